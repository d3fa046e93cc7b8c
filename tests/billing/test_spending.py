"""Neither a ceiling nor an allowance is ever exceeded, whatever happens at the same time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given

from gateway.billing.bill import Source
from gateway.billing.leases import block_of
from gateway.clients import Right
from gateway.clients.editing import add_key
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, BudgetExceeded, GatewayError
from gateway.planner.fetcher import Fetcher
from gateway.settings import Settings
from gateway.upstream.client.client import STANDARD
from tests.commands.process import LIMIT
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import Answer, Terms, details, running_gateway
from tests.planner.cases import Rush, rushes
from tests.planner.gateways import Shop, Shops, selections
from tests.profiles import examples, pick, scaled
from tests.robustness.processes import Server, billed, gateway, sandbox

CLIENTS = itertools.count()
ALLOWANCE = pick(100, 500)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """On virtual time, because who is refused by a failing upstream waits before trying again."""
    with Shops(tmp_path_factory.mktemp("ledger"), loop_factory=VirtualLoop) as shops:
        yield shops


@examples(400)
@given(rush=rushes())
def test_a_rush_of_operations_spends_no_more_than_its_limits(rush: Rush, shops: Shops) -> None:
    """They share calls, some go away in the middle, and the upstream fails now and then."""
    shop = Shop(rush.world, shops.ledger, shops.clock)
    shop.upstream.troubles, shop.upstream.latency = iter(rush.troubles), 0.01
    limits = {Window.DAY: rush.allowance}
    client = f"client{next(CLIENTS)}"
    fetchers = [shop.fetcher(forced=o.forced, ceiling=c, client=client, limits=limits) for o, c in rush.operations]
    shops.run(run_all(rush, shop, fetchers))
    for (_, ceiling), fetcher in zip(rush.operations, fetchers, strict=True):
        assert ceiling is None or fetcher.budget.charged <= ceiling
        assert_refusals_are_priced(fetcher)
    assert sum(fetcher.budget.charged for fetcher in fetchers) == shop.upstream.billed <= rush.allowance
    assert fetchers[0].budget.allowance.spent == shop.upstream.billed


async def run_all(rush: Rush, shop: Shop, fetchers: Sequence[Fetcher]) -> None:
    operations = [operation for operation, _ in rush.operations]
    tasks = [
        asyncio.create_task(fetcher.prepare(selections(operation)))
        for operation, fetcher in zip(operations, fetchers, strict=True)
    ]
    for leaver in rush.leavers:
        await asyncio.sleep(0.015)
        tasks[leaver % len(tasks)].cancel()
    for problem in await asyncio.gather(*tasks, return_exceptions=True):
        assert problem is None or isinstance(problem, GatewayError | asyncio.CancelledError), problem
    await shop.services.flights.drain(60)


def assert_refusals_are_priced(fetcher: Fetcher) -> None:
    for line in fetcher.bill.lines:
        if line.source is Source.REFUSED:
            assert isinstance(line.problem, BudgetExceeded | AllowanceExceeded)
            assert line.problem.extensions["price"] == line.purchase.price


async def test_what_no_longer_fits_is_null_with_its_price_in_the_order_of_the_answer(tmp_path: Path) -> None:
    """The tray and two of its three highlights fit: the third is missing, and nothing before it."""
    document = '{ user(by: { id: "787132" }) { highlights { nodes { id items { totalCount } } } } }'
    async with running_gateway(tmp_path) as running:
        answer = await running.query(document, headers={"X-Billing-Limit": "4"})
        assert answer.charged == 4
        nodes = answer.data["user"]["highlights"]["nodes"]
        assert [node["items"] is None for node in nodes] == [False, False, True]
        [error] = answer.body["errors"]
        assert error["path"] == ["user", "highlights", "nodes", 2, "items"]
        assert details(error) == {"code": "BUDGET_EXCEEDED", "price": 1, "limit": 4, "remaining": 0}


def profile_of(number: int) -> str:
    return f'{{ user(by: {{ id: "{7_000_000_000 + number}" }}) {{ biography }} }}'


def is_refused(answer: Answer) -> bool:
    """Every refusal says when to come back."""
    [error] = answer.body["errors"]
    if error["extensions"]["code"] == "NOT_FOUND":
        return False
    assert error["extensions"]["code"] == "ALLOWANCE_EXCEEDED"
    assert error["extensions"]["resetsAt"] == "2026-03-13T00:00:00+00:00"
    return True


@scaled
async def test_twice_as_many_operations_at_once_as_the_allowance_holds(tmp_path: Path) -> None:
    """Each asks for another account that does not exist, which is charged like any answer."""
    clients = {"web": Terms(allowance={"day": ALLOWANCE})}
    async with running_gateway(tmp_path, settings=Settings(hikerapi_rate=1e6), clients=clients) as running:
        answers = await asyncio.gather(
            *(running.query(profile_of(number), client="web") for number in range(2 * ALLOWANCE))
        )
        assert sum(answer.charged for answer in answers) == running.billed == ALLOWANCE
        assert [is_refused(answer) for answer in answers].count(True) == ALLOWANCE


async def rush_on(server: Server, key: str, numbers: range) -> list[Answer]:
    """The answers that came: those of a server that is killed meanwhile do not."""
    async with httpx.AsyncClient(base_url=server.url, headers={"x-api-key": key}, timeout=LIMIT) as client:
        posts = (client.post("/graphql", json={"query": profile_of(number)}) for number in numbers)
        replies = await asyncio.gather(*posts, return_exceptions=True)
    return [
        Answer(reply.status_code, reply.headers, reply.json()) for reply in replies if isinstance(reply, httpx.Response)
    ]


async def kill_at(server: Server, upstream: Server, spent: int) -> None:
    while await asyncio.to_thread(billed, upstream) < spent:
        pass
    server.process.kill()
    await asyncio.to_thread(server.process.wait, LIMIT)


@scaled
async def test_a_gateway_that_is_killed_in_the_middle_gives_nothing_back(tmp_path: Path) -> None:
    clients = tmp_path / "clients.toml"
    key = add_key(clients, "web", allowance={Window.MONTH: ALLOWANCE}, ceiling=None, rights=[Right.READ])
    settings = {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_HIKERAPI_RATE": "100000"}
    with sandbox() as upstream:
        with gateway(upstream, tmp_path, **settings) as first:
            before, _ = await asyncio.gather(
                rush_on(first, key, range(ALLOWANCE)), kill_at(first, upstream, ALLOWANCE // 5)
            )
        spent = billed(upstream)
        with gateway(upstream, tmp_path, **settings) as second:
            after = await rush_on(second, key, range(ALLOWANCE, 2 * ALLOWANCE))
        # What was in flight may have been charged without an answer, and up to a block was leased and is lost.
        lost = STANDARD.concurrency + block_of(ALLOWANCE)
        # On a busy machine the kill may come when all is spent.
        assert sum(answer.charged for answer in before) <= spent <= ALLOWANCE
        assert ALLOWANCE - lost <= billed(upstream) <= ALLOWANCE
        assert sum(answer.charged for answer in after) == billed(upstream) - spent
    refusals = [answer for answer in after if answer.charged == 0]
    assert len(after) == ALLOWANCE
    for refusal in refusals:
        [error] = refusal.body["errors"]
        assert error["extensions"]["code"] == "ALLOWANCE_EXCEEDED"
        assert datetime.fromisoformat(error["extensions"]["resetsAt"]).day == 1

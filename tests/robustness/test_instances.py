"""Gateways with a data directory each and one ledger in PostgreSQL, or workers of one machine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from gateway.clients import Right
from gateway.clients.editing import add_key
from gateway.domain.window import Window
from tests.commands.process import LIMIT, logged, run
from tests.durable.postgres import Cluster, cluster
from tests.fakes.gateway import Answer
from tests.robustness.processes import Server, billed, gateway, sandbox

pytestmark = pytest.mark.timeout(2 * LIMIT)
LOOP = asyncio.new_event_loop
ALLOWANCE, OPERATIONS, INSTANCES = 500, 1_000, 3
TRAY = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'
EXCEEDED, UNAVAILABLE, EMPTY = "ALLOWANCE_EXCEEDED", "LEDGER_UNAVAILABLE", "INSUFFICIENT_FUNDS"
# The sandbox's account begins with BALANCE, of which HEADROOM may be spent.
BALANCE, HEADROOM = 1_000_000, 300
FLOOR = BALANCE - HEADROOM


class Instances:
    """Clients of all of them. Each operation is for another account that does not exist, and costs 1."""

    def __init__(
        self, upstream: Server, servers: list[Server], client: httpx.AsyncClient, settings: dict[str, str]
    ) -> None:
        self.upstream = upstream
        self.servers = servers
        self.settings = settings
        self._client = client
        self._accounts = itertools.count(7_000_000_000)

    async def ask(self, server: Server, document: str | None = None) -> Answer:
        query = document or f'{{ user(by: {{ id: "{next(self._accounts)}" }}) {{ biography }} }}'
        reply = await self._client.post(f"{server.url}/graphql", json={"query": query})
        return Answer(reply.status_code, reply.headers, reply.json())

    async def buy(self, servers: Iterable[Server]) -> int:
        """The number of those that were charged: the others were refused."""
        answers = await asyncio.gather(*(self.ask(server) for server in servers))
        assert {code(answer) for answer in answers} <= {"NOT_FOUND", EXCEEDED, EMPTY}
        return sum(answer.charged for answer in answers)

    async def buy_until(self, total: int) -> None:
        """As soon as the idle blocks of the others are handed back."""
        async with asyncio.timeout(LIMIT):
            for server in itertools.cycle(self.servers):
                if billed(self.upstream) >= total:
                    return
                if await self.buy([server] * 25) == 0:
                    await asyncio.sleep(0.1)  # the processes have a clock of their own


def code(answer: Answer) -> str:
    [error] = answer.body["errors"]
    return str(error["extensions"]["code"])


@contextlib.asynccontextmanager
async def instances(folder: Path, url: str, count: int) -> AsyncIterator[Instances]:
    more = {"GATEWAY_DATABASE_URL": url.replace("postgresql+psycopg:", "postgresql:")}
    async with started(folder, [()] * count, allowance={Window.MONTH: ALLOWANCE}, **more) as gateways:
        yield gateways


@contextlib.asynccontextmanager
async def started(
    folder: Path, gateways: Sequence[Sequence[str]], *, allowance: Mapping[Window, int], **settings: str
) -> AsyncIterator[Instances]:
    """A gateway for each of these arguments, and one client of all of them."""
    clients = folder / "clients.toml"
    key = add_key(clients, "web", allowance=allowance, ceiling=None, rights=[Right.READ])
    more = {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_HIKERAPI_RATE": "100000", **settings}
    headers = {"x-api-key": key}
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(headers=headers, timeout=LIMIT))
        upstream = stack.enter_context(sandbox())
        servers = [
            stack.enter_context(gateway(upstream, folder / f"data{number}", *arguments, **more))
            for number, arguments in enumerate(gateways)
        ]
        yield Instances(upstream, servers, client, more)


async def test_a_thousand_operations_over_three_instances_spend_the_allowance_and_no_more(
    tmp_path: Path, postgres: Cluster
) -> None:
    async with instances(tmp_path, postgres.create(), INSTANCES) as gateways:
        order = itertools.islice(itertools.cycle(gateways.servers), OPERATIONS)
        charged = 0
        while batch := list(itertools.islice(order, 100)):
            charged += await gateways.buy(batch)
        assert charged == billed(gateways.upstream) <= ALLOWANCE
        await gateways.buy_until(ALLOWANCE)
        assert await gateways.buy(gateways.servers) == 0
        assert billed(gateways.upstream) == ALLOWANCE
        for server in gateways.servers:
            exit_code, log = server.end(signal.SIGTERM)
            assert (exit_code, "Traceback" in log) == (0, False), log
        report = run("ledger", **gateways.settings, GATEWAY_DATA_DIR=str(tmp_path / "data0")).stdout
        assert report.splitlines()[-1].split() == ["total", str(ALLOWANCE), str(ALLOWANCE)]


async def test_an_instance_that_is_killed_gives_nothing_back(tmp_path: Path, postgres: Cluster) -> None:
    async with instances(tmp_path, postgres.create(), 2) as gateways:
        victim, other = gateways.servers
        await gateways.buy([victim] * 30)
        victim.process.kill()
        await asyncio.to_thread(victim.process.wait, LIMIT)
        while await gateways.buy([other] * 50):
            pass
        # A block is a twentieth of the allowance.
        assert ALLOWANCE - ALLOWANCE // 20 <= billed(gateways.upstream) <= ALLOWANCE


async def test_while_the_database_is_away_leased_blocks_are_spent_and_cached_answers_go_on(tmp_path: Path) -> None:
    with cluster() as server:
        async with instances(tmp_path, server.create(), 2) as gateways:
            await outage(server, gateways)


async def outage(server: Cluster, gateways: Instances) -> None:
    for one in gateways.servers:
        assert (await gateways.ask(one, TRAY)).charged == 2
    server.stop()
    try:
        for one in gateways.servers:
            codes = [code(await gateways.ask(one)) for _ in range(ALLOWANCE // 20)]
            bought = codes.count("NOT_FOUND")
            assert codes == ["NOT_FOUND"] * bought + [UNAVAILABLE] * (len(codes) - bought)
            assert 0 < bought < len(codes)
            cached = await gateways.ask(one, TRAY)
            assert (cached.charged, "errors" in cached.body) == (0, False)
    finally:
        server.start()
    async with asyncio.timeout(60):
        for one in gateways.servers:
            while code(await gateways.ask(one)) == UNAVAILABLE:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.1)
    await gateways.buy_until(ALLOWANCE)
    assert await gateways.buy(gateways.servers) == 0
    assert billed(gateways.upstream) == ALLOWANCE


async def spend_to_the_floor(gateways: Instances, workers: int) -> None:
    """By operations of price 1, each of which may be of the last money, once all processes have read the balance."""
    for server in gateways.servers:
        for _ in range(workers):
            await asyncio.to_thread(logged, server.process, "event=BalanceRead")
    order = itertools.islice(itertools.cycle(gateways.servers), 3 * HEADROOM)
    charged = 0
    while batch := list(itertools.islice(order, 90)):
        charged += await gateways.buy(batch)
        assert charged == billed(gateways.upstream) <= HEADROOM
    await gateways.buy_until(HEADROOM)
    assert await gateways.buy(gateways.servers * 5) == 0
    assert billed(gateways.upstream) == HEADROOM


async def test_three_instances_spend_the_account_to_its_floor_and_no_further(tmp_path: Path, postgres: Cluster) -> None:
    url = postgres.create().replace("postgresql+psycopg:", "postgresql:")
    settings = {"GATEWAY_DATABASE_URL": url, "GATEWAY_BALANCE_FLOOR": str(FLOOR)}
    async with started(tmp_path, [()] * INSTANCES, allowance={}, **settings) as gateways:
        await spend_to_the_floor(gateways, 1)
        report = run("ledger", **gateways.settings, GATEWAY_DATA_DIR=str(tmp_path / "data0")).stdout
        assert report.splitlines()[-1].split() == ["total", str(HEADROOM), str(HEADROOM)]


async def test_two_workers_spend_the_account_to_its_floor_and_no_further(tmp_path: Path) -> None:
    async with started(tmp_path, [("--workers", "2")], allowance={}, GATEWAY_BALANCE_FLOOR=str(FLOOR)) as gateways:
        await spend_to_the_floor(gateways, 2)

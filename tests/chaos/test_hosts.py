"""Two gateways on hosts of their own, with one PostgreSQL and one S3: one is gone or asleep, and the other goes on.

Half of the media are files that the first gateway was sent, so that the other one has them from S3 alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from tests.chaos.commands import CREATE, TITLE, Medium, Order, creation
from tests.chaos.gateways import Gateway
from tests.chaos.harness import Database, House, Plan, house
from tests.chaos.kill_points import Kind
from tests.durable.postgres import Cluster
from tests.object_storage.server import Fault, FaultyProxy, proxied, s3, settings
from tests.sandbox.publishing.media import jpeg

pytestmark = pytest.mark.timeout(300)
FLOWS = 3
# Seconds in which a flow is taken over, and in which its work may then be done on a busy machine.
WITHIN, WORK = 15.0, 30.0
LIMIT = 120.0


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    with s3() as url:
        yield url


@contextlib.asynccontextmanager
async def hosts(
    folder: Path, postgres: Cluster, endpoints: Mapping[str, str], *, lease: int, dialect: str = "platform"
) -> AsyncIterator[House]:
    def own(name: str) -> Mapping[str, str]:
        """The host that goes on shall not lose its lease because the machine is busy."""
        seconds = lease if name == "g0" else 60
        return settings(endpoints[name], folder.name) | {"GATEWAY_FLOW_LEASE": str(seconds)}

    plan = Plan(dialect=dialect, database=Database.of(postgres), timeout=60, host=own)
    async with house(plan, folder) as made:
        yield made


def orders() -> list[Order]:
    """Each of a file and of a link."""
    dice = random.Random(7)
    made = []
    for number in range(FLOWS):
        colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
        media = [Medium(data=jpeg(colour, (90, 160))), *creation(number, media=1).media]
        made.append(Order(number, CREATE, f"{TITLE}{number:05}", media))
    return made


def both(storage: str) -> Mapping[str, str]:
    return {"g0": storage, "g1": storage}


@pytest.mark.parametrize(
    ("kind", "is_done"),
    [(Kind.UPLOAD, True), (Kind.PUBLISH, True), (Kind.CREATE, False), (Kind.CREATE, True)],
    ids=lambda value: value.value if isinstance(value, Kind) else ("done" if value else "not-done"),
)
async def test_a_host_that_is_killed_for_good_leaves_its_flows_and_files_to_another(
    tmp_path: Path, postgres: Cluster, storage: str, kind: Kind, is_done: bool
) -> None:
    """At each kind of call, of which the upstream has done what it will never hear of, or nothing."""
    ordered = orders()
    async with hosts(tmp_path, postgres, both(storage), lease=8) as made:
        victim, heir = made.gateways
        await held(made, victim, ordered, kind, is_done=is_done)
        victim.kill_for_good("for good")
        assert await until_done(made, heir, ordered) < WITHIN + WORK
        await check(made, ordered)
        assert "WorkflowsRecovered" in made.logs()[f"{heir.name}.log"]


@pytest.mark.parametrize("dialect", ["platform", "aiograpi"])
async def test_a_host_that_slept_makes_nothing_twice(
    tmp_path: Path, postgres: Cluster, storage: str, dialect: str
) -> None:
    """It was about to create the highlights, and may as soon as it wakes; aiograpi-rest knows no idempotency keys."""
    ordered = orders()
    async with hosts(tmp_path, postgres, both(storage), lease=5, dialect=dialect) as made:
        sleeper, heir = made.gateways
        await held(made, sleeper, ordered, Kind.CREATE, is_done=False)
        sleeper.signal(signal.SIGSTOP)
        try:
            await until_done(made, heir, ordered)
            made.proxy.holds.clear()
        finally:
            sleeper.signal(signal.SIGCONT)
        async with asyncio.timeout(LIMIT):
            while "WorkerLeaseLost" not in made.logs()[f"{sleeper.name}.log"]:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)
        after = [Order(FLOWS, CREATE, f"{TITLE}{FLOWS:05}", creation(FLOWS, media=1).media)]
        await made.clients.acknowledged(sleeper, after)
        await until_done(made, sleeper, after)
        await check(made, ordered + after)


async def test_a_flow_waits_while_its_files_cannot_be_fetched(tmp_path: Path, postgres: Cluster, storage: str) -> None:
    ordered = orders()
    async with (
        proxied(storage) as proxy,
        hosts(tmp_path, postgres, {"g0": storage, "g1": proxy.url}, lease=5) as made,
    ):
        victim, heir = made.gateways
        await held(made, victim, ordered, Kind.UPLOAD, is_done=False)
        proxy.always = Fault("slow down")
        victim.kill_for_good("for good")
        await until_asked(proxy, "HEAD")
        proxy.always = Fault("cut", "GET", after=150)
        await until_asked(proxy, "GET")
        proxy.always = None
        await until_done(made, heir, ordered)
        await check(made, ordered)


async def until_asked(proxy: FaultyProxy, method: str) -> None:
    """Twice: once may have been before."""
    most = proxy.count(method) + 2
    async with asyncio.timeout(LIMIT):
        while proxy.count(method) < most:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)


async def held(made: House, gateway: Gateway, ordered: list[Order], kind: Kind, *, is_done: bool) -> None:
    """The gateway has begun the orders, and waits for an answer to a call of this kind for each of them."""
    made.proxy.held_kinds, made.proxy.forwards_held = frozenset({kind}), is_done
    made.proxy.holds.add(gateway.name)
    await made.clients.acknowledged(gateway, ordered)
    assert {order.flow is not None for order in ordered} == {True}, made.clients.heard[-3:]
    async with asyncio.timeout(LIMIT):
        while made.proxy.held < len(ordered):  # noqa: ASYNC110 (other processes say it)
            await asyncio.sleep(0.05)


async def until_done(made: House, gateway: Gateway, ordered: list[Order]) -> float:
    """In seconds, as this gateway tells."""
    query = " ".join(f'f{order.number}: flow(id: "{order.flow}") {{ state error {{ code }} }}' for order in ordered)
    began = time.monotonic()
    async with asyncio.timeout(LIMIT):
        while True:
            flows = await made.clients.ask(gateway, f"{{ {query} }}")
            assert all(flow["error"] is None for flow in flows.values()), flows
            if all(flow["state"] == "DONE" for flow in flows.values()):
                return time.monotonic() - began
            await asyncio.sleep(0.1)


async def check(made: House, ordered: list[Order]) -> None:
    """Each order is one highlight of its media, and each medium was uploaded once."""
    published = await made.upstream.made()
    assert {title: len(found) for title, found in published.highlights.items()} == {o.title: 1 for o in ordered}
    for order in ordered:
        (highlight,) = published.highlights[order.title]
        assert published.origins_of(highlight["requested_media_ids"]) == order.origins
    assert set(published.uploads.values()) == {1}
    assert made.clients.wrong == []

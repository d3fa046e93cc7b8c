"""What the metrics say while the upstream fails, in virtual time, because the gateway waits and retries."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.sandbox.faults import Latency, Status
from gateway.settings import Settings
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import VirtualWallClock
from tests.metrics.harness import Measured, measured

LOOP = VirtualLoop
TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'
TRAY_BY_ID = "query ($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"


async def prepared(run: Measured) -> int:
    """What is billed when the gateway has read the balance, and has leased what later operations spend.

    These wait for no thread then, during which virtual time may pass.
    """
    await asyncio.sleep(5)
    await run.gateway.query(TRAY_BY_ID, {"id": "700099"})
    return run.gateway.billed


async def test_an_upstream_that_fails_opens_the_breaker_and_stale_entries_stand_in(tmp_path: Path) -> None:
    async with measured(tmp_path, clock=VirtualWallClock()) as run:
        await run.gateway.query(TRAY)
        run.gateway.clock.advance(700)
        run.gateway.sandbox.faults.lay(Status(status=503))
        await run.gateway.query(TRAY)
        for number in range(4):
            await run.gateway.query(TRAY_BY_ID, {"id": f"70000{number}"})
        page = await run.scrape()
    assert page.values("calls_total", endpoint="tray_by_username") == {("bought",): 1}
    assert page.values("calls_total", source="stale") == {("tray",): 1}
    assert page.values("cache_lookups_total", kind="tray")["stale",] == 1
    assert page.values("upstream_requests_total", endpoint="tray", upstream="reading")["503",] > 3
    states = page.values("circuit_breaker_state", upstream="reading")
    assert states == {("closed",): 0, ("opened",): 1, ("half-opened",): 0}
    assert page.value("circuit_breaker_state", upstream="publishing", state="closed") == 1


async def test_what_was_charged_after_the_client_had_left_is_counted(tmp_path: Path) -> None:
    """The call runs to its end, and its client pays for it; no operation is there any more to have it on its bill."""
    async with measured(tmp_path, clock=VirtualWallClock(), all_heard=False) as run:
        before = await prepared(run)
        run.gateway.sandbox.faults.lay(Latency(seconds=5, endpoint="/v1/*"))
        leaving = asyncio.create_task(run.gateway.query(TRAY))
        await asyncio.sleep(1)
        leaving.cancel()
        await asyncio.sleep(10)
        page = await run.scrape()
        billed = page.value("billed_requests_total", client="local", endpoint="tray_by_username")
        assert billed == run.gateway.billed - before > 0
        assert page.values("calls_total", endpoint="tray_by_username") == {}


async def test_requests_beyond_the_rate_of_the_upstream_wait_in_a_queue(tmp_path: Path) -> None:
    settings = replace(Settings(), hikerapi_rate=1.0)
    async with measured(tmp_path, settings=settings, clock=VirtualWallClock()) as run:
        asked = [asyncio.create_task(run.gateway.query(TRAY_BY_ID, {"id": f"70000{number}"})) for number in range(8)]
        await asyncio.sleep(1.5)
        length = (await run.scrape()).value("upstream_queue_length", upstream="reading")
        assert 0 < length < len(asked)
        await asyncio.gather(*asked)
        page = await run.scrape()
    assert page.value("upstream_queue_length", upstream="reading") == 0
    assert page.value("upstream_queue_wait_seconds_sum", upstream="reading") > length
    assert page.value("upstream_queue_timeouts_total", upstream="reading") == 0


async def test_requests_that_could_not_be_sent_in_time_are_counted_by_client(tmp_path: Path) -> None:
    settings = replace(Settings(), hikerapi_rate=1.0)
    async with measured(tmp_path, settings=settings, clock=VirtualWallClock()) as run:
        await prepared(run)
        asked = [run.gateway.query(TRAY_BY_ID, {"id": str(700_000 + number)}) for number in range(60)]
        await asyncio.gather(*asked)
        page = await run.scrape()
    shed = page.value("upstream_requests_shed_total", upstream="reading", client="local")
    assert shed == page.value("errors_total", code="UPSTREAM_RATE_LIMITED") > 10
    assert page.value("upstream_queue_timeouts_total", upstream="reading") == 0
    waited = page.value("client_queue_wait_seconds_total", upstream="reading", client="local")
    assert waited == page.value("upstream_queue_wait_seconds_sum", upstream="reading") > 100

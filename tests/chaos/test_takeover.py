"""Two gateways on one data directory, of which one is killed for good: the other carries its work to the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.chaos.commands import Order, creation
from tests.chaos.harness import Database, House, Plan, house
from tests.chaos.load_run import PAGE

# As many calls as a gateway has on their way at once.
FLOWS = 8
MEDIA = 2
WITHIN = 10.0  # seconds


async def test_the_work_of_a_gateway_that_is_killed_for_good_is_done_within_ten_seconds(
    tmp_path: Path, database: Database | None
) -> None:
    """Each flow has been uploaded and processed, and waits for an answer that the dead one will not hear."""
    orders = [creation(number, media=MEDIA) for number in range(FLOWS)]
    async with house(Plan(database=database, timeout=60), tmp_path) as made:
        victim, heir = made.gateways
        made.proxy.holds.add(victim.name)
        await made.clients.acknowledged(victim, orders)
        await _until_held(made, FLOWS * MEDIA)
        victim.kill_for_good("for good")
        seconds = await _until_done(made, orders)
        published = await made.upstream.made()
    assert seconds < WITHIN
    assert {title: len(found) for title, found in published.highlights.items()} == {order.title: 1 for order in orders}
    assert set(published.uploads.values()) == {1}
    assert "WorkflowsRecovered" in made.logs()[f"{heir.name}.log"]


async def _until_held(made: House, calls: int) -> None:
    async with asyncio.timeout(30.0):
        while made.proxy.held < calls:  # noqa: ASYNC110 (other processes say it)
            await asyncio.sleep(0.05)


async def _until_done(made: House, orders: list[Order]) -> float:
    """In seconds."""
    began = time.monotonic()
    async with asyncio.timeout(60.0):
        while True:
            flows = await made.clients.flows(orders[:PAGE])
            if len(flows) == len(orders) and all(flow["state"] == "DONE" for flow in flows.values()):
                return time.monotonic() - began
            await asyncio.sleep(0.1)

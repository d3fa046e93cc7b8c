"""Who waits for a flow is woken, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc

from gateway.durable.signals import ChangeNotifier
from tests.fakes.clock import VirtualClock


async def test_a_mark_is_forgotten_with_the_last_who_holds_it() -> None:
    """Of flows that nobody changes any more a process would gather one for each that was ever looked at."""
    changes = ChangeNotifier(VirtualClock())
    for number in range(100):
        await changes.wait(changes.mark(f"flow-{number}"), 0.0)
    await asyncio.sleep(0)  # the task that waited ends
    gc.collect()
    assert len(changes._marks) == 0


async def test_all_who_hold_a_mark_are_woken_by_one_change() -> None:
    changes = ChangeNotifier(VirtualClock())
    waiting = [asyncio.create_task(changes.wait(changes.mark("flow"), 1_000.0)) for _ in range(3)]
    await asyncio.sleep(0)
    changes.changed("flow")
    async with asyncio.timeout(1.0):
        await asyncio.gather(*waiting)

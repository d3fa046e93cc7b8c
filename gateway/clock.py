"""Time as a port: nothing in the gateway reads the clock or sleeps on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Wall-clock time, Unix seconds: for expiries that others sign, such as `oe`."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin that never go backwards: for durations."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clocks. They are read several times in a replay: a function around each would cost more."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def until_first(*awaitables: Awaitable[object]) -> None:
    """Wait until the first of `awaitables` is done, and cancel the others."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""Time as a port: nothing in the gateway reads the clock or sleeps on its own."""

from __future__ import annotations

import asyncio
import time
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

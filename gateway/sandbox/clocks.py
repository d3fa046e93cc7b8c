"""A clock that can be advanced, so that expiries of a day can be tested at once."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock, until_first


class MovableClock:
    """The clock `inner` plus an offset. Advancing it past the end of a sleep ends the sleep."""

    def __init__(self, inner: Clock) -> None:
        self._inner = inner
        self._ahead = 0.0
        self._moved = asyncio.Event()

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._inner.now() + self._ahead

    def monotonic(self) -> float:
        return self._inner.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        while (left := end - self.monotonic()) > 0:
            await until_first(self._inner.sleep(left), self._moved.wait())

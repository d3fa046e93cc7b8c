"""A scheduler of timed actions, which run in order at the next access, so that the clock may be advanced by hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from gateway.clock import Clock

Act = Callable[[], None]


class Scheduler:
    """A scheduler. `on_change` is called for every new entry, so that a waiter can adapt to its due time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.on_change: Act = _nobody
        self.clear()

    def clear(self) -> None:
        self._entries: list[tuple[float, int, Act]] = []
        self._number = count()

    def add(self, due: float, act: Act) -> None:
        """Schedule `act`. `due` is in Unix seconds. Actions due at the same time run in the order of their addition."""
        heapq.heappush(self._entries, (due, next(self._number), act))
        self.on_change()

    @property
    def wait(self) -> float | None:
        """Return the seconds until the next entry is due; None without one."""
        return max(0.0, self._entries[0][0] - self._clock.now()) if self._entries else None

    def catch_up(self) -> None:
        while self._entries and self._entries[0][0] <= self._clock.now():
            heapq.heappop(self._entries)[2]()


def _nobody() -> None:
    """Do nothing: without a waiter, the next call runs the due actions."""

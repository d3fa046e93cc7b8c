"""What becomes due as time passes: done, in its order, when somebody next looks. So time may also be moved by hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from gateway.clock import Clock

Act = Callable[[], None]


class Scheduler:
    """`on_change` is told of every new entry, by whoever wants to look at the time that it is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.on_change: Act = _nobody
        self.clear()

    def clear(self) -> None:
        self._entries: list[tuple[float, int, Act]] = []
        self._number = count()

    def add(self, due: float, act: Act) -> None:
        """`due` is in Unix seconds. What is due together is done in the order it was added."""
        heapq.heappush(self._entries, (due, next(self._number), act))
        self.on_change()

    @property
    def wait(self) -> float | None:
        """Seconds until the next entry is due; None without one."""
        return max(0.0, self._entries[0][0] - self._clock.now()) if self._entries else None

    def catch_up(self) -> None:
        while self._entries and self._entries[0][0] <= self._clock.now():
            heapq.heappop(self._entries)[2]()


def _nobody() -> None:
    """Nobody waits: the next call will look."""

"""Who goes on when: what waited for something of its own does not keep newcomers waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

MOST_PER_TURN = 16
# Of those that need not wait: more than begin together unless many come at once.
MOST_AT_ONCE = 64


class Turns:
    """Runs what it is given, first come, first served, and so much in one turn of the event loop."""

    def __init__(self) -> None:
        self._waiting = deque[Callable[[], None]]()
        self._at_once = 0

    def begin(self, work: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """At once, unless much was begun in this turn of the loop."""
        if self._at_once >= MOST_AT_ONCE:
            self.take(work, loop)
            return
        if not self._at_once:
            loop.call_soon(self._end_turn)
        self._at_once += 1
        work()

    def _end_turn(self) -> None:
        self._at_once = 0

    def take(self, work: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append(work)
        if len(self._waiting) == 1:
            loop.call_soon(self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(MOST_PER_TURN, len(self._waiting))):
            self._waiting[0]()
            self._waiting.popleft()
        if self._waiting:
            loop.call_soon(self._run, loop)

"""Who goes on when: what is long, or waited for something of its own, does not keep newcomers waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Of those that are long, and of those that are short and came when much was begun already.
MOST_PER_TURN = 16
MOST_SHORT = 32
# Of those that need not wait: more than begin together unless many come at once.
MOST_AT_ONCE = 64


class Turns:
    """Runs what it is given, and so much in one turn of the event loop.

    What is long is run in its order. Of what is short every other one is the one that came last: who comes amid a crowd
    does not wait for all of it.
    """

    def __init__(self) -> None:
        self._long = deque[Callable[[], None]]()
        self._short = deque[Callable[[], None]]()
        self._at_once = 0
        self._is_running = False

    def admits(self, loop: asyncio.AbstractEventLoop, weight: int = 1) -> bool:
        """Whether something may be done at once, because not much was begun in this turn of the loop.

        `weight` is how many short ones it takes as long as."""
        if self._at_once >= MOST_AT_ONCE:
            return False
        if not self._at_once:
            loop.call_soon(self.end)
        self._at_once += weight
        return True

    def end(self) -> None:
        """The loop's turn is over."""
        self._at_once = 0

    def take(self, work: Callable[[], None], loop: asyncio.AbstractEventLoop, *, is_short: bool = False) -> None:
        if not self._is_running:
            self._is_running = True
            loop.call_soon(self._run, loop)
        (self._short if is_short else self._long).append(work)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        for at in range(min(MOST_SHORT, len(self._short))):
            (self._short.pop if at % 2 else self._short.popleft)()()
        for _ in range(min(MOST_PER_TURN, len(self._long))):
            self._long.popleft()()
        self._is_running = bool(self._long or self._short)
        if self._is_running:
            loop.call_soon(self._run, loop)

"""The event loop's time as a resource: what is long goes on in slices, between which everybody else has turns.

All tasks that are ready run in one turn of the loop, so a hundred requests whose last bytes arrive together would keep
everybody waiting for the sum of their work. Work is told in units that take some ten microseconds each: what one
character of a new document takes, or one key in one step of a plan. It is counted and not measured, so that it is the
same on every machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

# Units between two rests. A longer piece has a slice of its own.
SLICE = 1_000
# Turns of the loop after each slice: as many as a small request takes from its connection to its answer.
REST = 16

Waiter: TypeAlias = tuple[asyncio.Future[None], int]


class LoopTime:
    """Gives out the time of one process's loop. Whoever has had little of it goes first every other time."""

    def __init__(self) -> None:
        self._left = SLICE
        self._turns = 0  # until the next slice; 0 while nothing of this one is used
        self._waiting: tuple[deque[Waiter], deque[Waiter]] = deque(), deque()
        self._favoured = 0  # of the two: those who have had little, and those who have had much

    def share(self) -> Share:
        return Share(self)

    async def take(self, work: int, *, had_much: bool) -> None:
        if not any(self._waiting) and self._fits(work):
            self._use(work)
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[had_much].append((granted, work))
        await granted

    def _fits(self, work: int) -> bool:
        return work <= self._left or self._left == SLICE

    def _use(self, work: int) -> None:
        self._left -= work
        if not self._turns:
            self._turns = REST
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turns -= 1
        if self._turns:
            asyncio.get_running_loop().call_soon(self._turn)
            return
        self._left = SLICE
        while (waiter := self._next()) is not None:
            granted, work = waiter
            self._use(work)
            granted.set_result(None)

    def _next(self) -> Waiter | None:
        """Who goes on now; None if nobody waits, or what comes next must wait for the next slice."""
        for queue in self._waiting:
            while queue and queue[0][0].done():  # cancelled meanwhile
                queue.popleft()
        queue = self._waiting[self._favoured] or self._waiting[not self._favoured]
        if not queue or not self._fits(queue[0][1]):
            return None
        self._favoured = not self._favoured
        return queue.popleft()


class Share:
    """What one operation has had of the loop's time."""

    __slots__ = ("_had", "_time")

    def __init__(self, time: LoopTime) -> None:
        self._time = time
        self._had = 0

    async def take(self, work: int, *, alone: bool = False) -> None:
        """Returns when so much may be done without a break: at once, unless others have used up the slice.

        `alone`: the rest of the slice is nobody's.
        """
        had_much = self._had >= SLICE
        self._had += work
        await self._time.take(max(work, SLICE) if alone else work, had_much=had_much)

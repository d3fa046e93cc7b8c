"""The event loop's time as a resource: what is long goes on in slices, between which everybody else has turns.

All tasks that are ready run in one turn of the loop, so a hundred requests whose last bytes arrive together would keep
everybody waiting for the sum of their work. Work is told in units that take some ten microseconds each: what one
character of a new document takes, or one key in one step of a plan. It is counted and not measured, so that it is the
same on every machine.

Coroutines ask a FairScheduler for their time, each operation by its TimeShare; callbacks of connections go by Turns.
"""

from __future__ import annotations

import asyncio
import enum
import types
from collections import deque
from collections.abc import Callable, Generator
from typing import TypeAlias

# Units between two rests. A longer piece has a slice of its own.
SLICE = 1_000
# Turns of the loop after each slice: as many as a small request takes from its connection to its answer.
REST = 16

# What is only to be read has one of so many grants while others wait. A request that was read holds a multiple of its
# bytes, and asks two or three times more: so those that were read go on before more of them are.
ORDER = 4

# Callbacks in one turn of the loop: of those that are long, and of those that are short and came when much was begun.
MOST_PER_TURN = 16
MOST_SHORT = 16
# Of those that need not wait. A request takes some ten turns of the loop, each as long as what is begun in one.
MOST_AT_ONCE = 16

Waiter: TypeAlias = tuple[asyncio.Future[None], int]


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Awaited it lets whoever else is ready go on first."""
    yield


async def turns(count: int) -> None:
    """Lets others go on so many times."""
    for _ in range(count):
        await turn()


class Rank(enum.IntEnum):
    """Of those who wait."""

    LITTLE = 0  # has had little of the loop's time
    MUCH = 1
    UNREAD = 2  # a large body, of which nothing is known yet


class FairScheduler:
    """Gives out the time of one process's loop. Whoever has had little of it goes first every other time."""

    def __init__(self) -> None:
        self._left = SLICE
        self._turns = 0  # until the next slice; 0 while nothing of this one is used
        self._waiting: dict[Rank, deque[Waiter]] = {rank: deque() for rank in Rank}
        self._grants = 0

    def share(self) -> TimeShare:
        return TimeShare(self)

    async def take(self, work: int, rank: Rank) -> None:
        if not any(self._waiting.values()) and self._fits(work):
            self._use(work)
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[rank].append((granted, work))
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
        for queue in self._waiting.values():
            while queue and queue[0][0].done():  # cancelled meanwhile
                queue.popleft()
        for rank in self._ranks():
            if queue := self._waiting[rank]:
                return self._granted(queue) if self._fits(queue[0][1]) else None
        return None

    def _granted(self, queue: deque[Waiter]) -> Waiter:
        self._grants += 1
        return queue.popleft()

    def _ranks(self) -> tuple[Rank, Rank, Rank]:
        """Who goes first this time."""
        if self._grants % ORDER == ORDER - 1:
            return Rank.UNREAD, Rank.MUCH, Rank.LITTLE
        if self._grants % 2:
            return Rank.MUCH, Rank.LITTLE, Rank.UNREAD
        return Rank.LITTLE, Rank.MUCH, Rank.UNREAD


class TimeShare:
    """What one operation has had of the loop's time."""

    __slots__ = ("_had", "_time")

    def __init__(self, time: FairScheduler) -> None:
        self._time = time
        self._had = 0

    async def take(self, work: int, *, alone: bool = False) -> None:
        """Returns when so much may be done without a break: at once, unless others have used up the slice.

        `alone`: the rest of the slice is nobody's.
        """
        rank = Rank.MUCH if self._had >= SLICE else Rank.LITTLE
        self._had += work
        await self._time.take(max(work, SLICE) if alone else work, rank)


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

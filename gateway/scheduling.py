"""Fair scheduling of the event loop's time: long work runs in slices, and other tasks run between them.

All tasks that are ready run in one turn of the loop, so a hundred requests whose last bytes arrive together would
delay all other tasks by the sum of their work. Work is given in units of about ten microseconds: the work for one
character of a new document, or for one key in one step of a plan. It is counted, not measured, so that it is the same
on every machine.

Coroutines request time from a FairScheduler, each operation through its TimeShare. Callbacks of connections use Turns.
"""

from __future__ import annotations

import asyncio
import enum
import types
from collections import deque
from collections.abc import Callable, Generator
from typing import TypeAlias

# Units between two pauses. A longer piece of work gets a slice of its own.
SLICE = 1_000
# Turns of the loop after each slice: the number that a small request needs from its connection to its response.
REST = 16

# Unread bodies get one of so many grants while other work waits. A parsed request holds a multiple of its bytes and
# requests time two or three times more, so parsed requests go on before more bodies are parsed.
ORDER = 4

# Callbacks in one turn of the loop: long ones, and short ones that were queued because many had started already.
MOST_PER_TURN = 16
MOST_SHORT = 16
# Callbacks per turn that run without queueing. A request takes about ten turns, each as long as the work started in it.
MOST_AT_ONCE = 16

Waiter: TypeAlias = tuple[asyncio.Future[None], int]


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Yield to the event loop once: all other ready tasks run first."""
    yield


async def turns(count: int) -> None:
    """Yield to the event loop `count` times."""
    for _ in range(count):
        await turn()


class Rank(enum.IntEnum):
    """The classes of waiting work."""

    LITTLE = 0  # work of an operation that has used little of the loop's time
    MUCH = 1
    UNREAD = 2  # a large body that is not parsed yet


class FairScheduler:
    """The scheduler of one process's event loop. Operations that have used little time go first every other time."""

    def __init__(self) -> None:
        self._left = SLICE
        self._turns = 0  # until the next slice; 0 while this one is unused
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
        """Return the next waiter; None if there is none, or if its work does not fit in this slice."""
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
        """Return the order of the classes for the next grant."""
        if self._grants % ORDER == ORDER - 1:
            return Rank.UNREAD, Rank.MUCH, Rank.LITTLE
        if self._grants % 2:
            return Rank.MUCH, Rank.LITTLE, Rank.UNREAD
        return Rank.LITTLE, Rank.MUCH, Rank.UNREAD


class TimeShare:
    """The share of the loop's time that one operation has used."""

    __slots__ = ("_scheduler", "_used")

    def __init__(self, time: FairScheduler) -> None:
        self._scheduler = time
        self._used = 0

    async def take(self, work: int, *, alone: bool = False) -> None:
        """Wait until `work` units may run without a pause: not at all, unless the slice is used up.

        `alone`: the work gets a whole slice, in which no other work is granted.
        """
        rank = Rank.MUCH if self._used >= SLICE else Rank.LITTLE
        self._used += work
        await self._scheduler.take(max(work, SLICE) if alone else work, rank)


class Turns:
    """A queue of callbacks with a limit per turn of the event loop.

    Long callbacks run in order. Short ones are taken from both ends of their queue in turn: a single request that
    arrives during a burst does not wait for all of the burst.
    """

    def __init__(self) -> None:
        self._long = deque[Callable[[], None]]()
        self._short = deque[Callable[[], None]]()
        self._started = 0
        self._is_running = False

    def admits(self, loop: asyncio.AbstractEventLoop, weight: int = 1) -> bool:
        """Return whether work may run at once, because little has started in this turn of the loop.

        `weight` is its duration in short callbacks.
        """
        if self._started >= MOST_AT_ONCE:
            return False
        if not self._started:
            loop.call_soon(self.end)
        self._started += weight
        return True

    def end(self) -> None:
        """Reset the count at the end of the loop's turn."""
        self._started = 0

    def take(self, work: Callable[[], None], loop: asyncio.AbstractEventLoop, *, is_short: bool = False) -> None:
        if not self._is_running:
            self._is_running = True
            loop.call_soon(self._run, loop)
        (self._short if is_short else self._long).append(work)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            for at in range(min(MOST_SHORT, len(self._short))):
                (self._short.pop if at % 2 else self._short.popleft)()()
            for _ in range(min(MOST_PER_TURN, len(self._long))):
                self._long.popleft()()
        finally:  # a callback that raises costs itself alone
            self._is_running = bool(self._long or self._short)
            if self._is_running:
                loop.call_soon(self._run, loop)

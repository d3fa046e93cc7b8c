"""Answers that their readers have not taken yet: how much of them there is, of each peer and in all.

A server hands the `Reader` of its connection on in the scope, under READER. Whoever makes an answer waits for room
before, and whoever reads slowest makes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from weakref import WeakValueDictionary

from starlette.types import Scope

from gateway.domain.shares import Count
from gateway.scheduling import REST, turns

READER = "highlights.reader"
# Bytes: two of the largest answers for one peer, four for all.
MOST_EACH = 32 * 2**20
MOST = 64 * 2**20
# Seconds. Whoever took nothing for so long is cut off where there is no room,
STALLED = 0.25
# and when somebody waited for so long for it, whoever took nothing for the longest time.
PATIENCE = 1.0


class Unsent:
    """Of one process."""

    def __init__(self, most_each: int = MOST_EACH, most: int = MOST) -> None:
        self._most_each = most_each
        self._most = most
        self._count = Count(most_each, most)
        # In the order in which they took something last.
        self._readers: dict[Reader, None] = {}
        self._freed = asyncio.Event()
        self._doors: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def size(self) -> int:
        return self._count.total

    def reader(self, peer: str, cut: Callable[[], None]) -> Reader:
        """`cut` ends the connection at once."""
        return Reader(self, peer, cut)

    def add(self, reader: Reader, size: int) -> None:
        self._count.add(reader.peer, size)
        if reader not in self._readers:
            self._readers[reader] = None
            reader.taken_at = asyncio.get_running_loop().time()
        self.check(reader)

    def check(self, reader: Reader) -> None:
        """Where there is no room, others that took nothing for a while are cut off."""
        now = asyncio.get_running_loop().time()
        while (slowest := self._slowest(reader)) is not None and now - slowest.taken_at >= STALLED:
            slowest.end()

    def subtract(self, reader: Reader, size: int) -> None:
        self._count.subtract(reader.peer, size)
        if not reader.size:
            del self._readers[reader]
        self._freed.set()

    def note(self, reader: Reader) -> None:
        """It took something."""
        if reader in self._readers:
            del self._readers[reader]
            self._readers[reader] = None
            reader.taken_at = asyncio.get_running_loop().time()

    async def room(self, reader: Reader) -> None:
        """Returns when there is some for an answer to `reader`.

        Of one peer's that wait one goes on at a time, and the next when what that one asked for is made.
        """
        if self._slowest(reader) is None:
            return
        door = self._doors.setdefault(reader.peer, asyncio.Lock())
        async with door:
            await turns(REST)
            await self._wait(reader)

    async def _wait(self, reader: Reader) -> None:
        time = asyncio.get_running_loop().time
        ends = time() + PATIENCE
        while (slowest := self._slowest(reader)) is not None:
            seconds = min(slowest.taken_at + STALLED, ends) - time()
            if seconds <= 0:
                slowest.end()
                continue
            self._freed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._freed.wait()

    def _slowest(self, reader: Reader) -> Reader | None:
        """Beside `reader`, of those who take its room; None while there is some."""
        if self._count.of(reader.peer) > self._most_each:
            return next((one for one in self._readers if one is not reader and one.peer == reader.peer), None)
        if self._count.total > self._most:
            return next((one for one in self._readers if one is not reader), None)
        return None


class Reader:
    """The peer of one connection. `size` is what it has not taken, `taken_at` when it took something last."""

    __slots__ = ("_cut", "_unsent", "is_cut", "peer", "size", "taken_at")

    def __init__(self, unsent: Unsent, peer: str, cut: Callable[[], None]) -> None:
        self._unsent = unsent
        self._cut = cut
        self.is_cut = False
        self.peer = peer
        self.size = 0
        self.taken_at = 0.0

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """While an answer of so many bytes is sent."""
        self.hold(size)
        try:
            yield
        finally:
            self.hold(-size)

    def hold(self, more: int) -> None:
        """So many bytes more are held for it, or fewer."""
        if self.is_cut or not more:
            return
        self.size += more
        if more > 0:
            self._unsent.add(self, more)
        else:
            self._unsent.subtract(self, -more)

    def note(self) -> None:
        """It took something."""
        self._unsent.note(self)

    def check(self) -> None:
        """Called from time to time while something is held for it."""
        self._unsent.check(self)

    async def room(self) -> None:
        """Returns when there is some for an answer to it."""
        await self._unsent.room(self)

    def end(self) -> None:
        """Cuts the connection off: nothing is held for it from now on."""
        self.hold(-self.size)
        self.is_cut = True
        self._cut()


def reader_in(scope: Scope) -> Reader | None:
    """None where no server tells, as in tests of the application alone."""
    reader: Reader | None = scope.get(READER)
    return reader

"""A memory bound for responses that peers have not read yet, per peer and in total.

A server passes the `Reader` of its connection in the scope, under READER. An operation waits for room before its
response is built; if there is none, the connection of the slowest reader is cut to make room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol
from weakref import WeakValueDictionary

from starlette.types import Scope

from gateway.domain.shares import Count
from gateway.scheduling import REST, turns

READER = "highlights.reader"
# Bytes: two of the largest responses for one peer, four for all peers.
MOST_EACH = 32 * 2**20
MOST = 64 * 2**20
# Seconds. If there is no room, the connection of a reader that has read nothing for so long is cut.
STALLED = 0.25
# Seconds. After such a wait for room, the connection of the slowest reader is cut even before STALLED.
PATIENCE = 1.0


class UnsentAnswers:
    """The unread responses of one process."""

    def __init__(self, most_each: int = MOST_EACH, most: int = MOST) -> None:
        self._most_each = most_each
        self._most = most
        self._count = Count(most_each, most)
        # In the order of their last progress, the slowest first.
        self._readers: dict[Reader, None] = {}
        self._freed = asyncio.Event()
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def size(self) -> int:
        return self._count.total

    def reader(self, peer: str, cut: Callable[[], None], flow: WriteFlow) -> Reader:
        """Return a reader for one connection of `peer`. `cut` aborts the connection."""
        return Reader(self, peer, cut, flow)

    def add(self, reader: Reader, size: int) -> None:
        self._count.add(reader.peer, size)
        if reader not in self._readers:
            self._readers[reader] = None
            reader.taken_at = asyncio.get_running_loop().time()
        self.check(reader)

    def check(self, reader: Reader) -> None:
        """Cut the connections of other readers that have stalled, until there is room."""
        now = asyncio.get_running_loop().time()
        while (slowest := self._slowest(reader)) is not None and now - slowest.taken_at >= STALLED:
            slowest.end()

    def subtract(self, reader: Reader, size: int) -> None:
        self._count.subtract(reader.peer, size)
        if not reader.size:
            del self._readers[reader]
        self._freed.set()

    def note(self, reader: Reader) -> None:
        """Record that `reader` has read something."""
        if reader in self._readers:
            del self._readers[reader]
            self._readers[reader] = None
            reader.taken_at = asyncio.get_running_loop().time()

    async def room(self, reader: Reader) -> None:
        """Wait for room for a response to `reader`.

        Of one peer's waiting operations one goes on at a time; the next follows when that one's response is built.
        """
        if self._slowest(reader) is None:
            return
        queue = self._queues.setdefault(reader.peer, asyncio.Lock())
        async with queue:
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
        """Return the slowest other reader that takes up the room of `reader`; None while there is room."""
        if self._count.of(reader.peer) > self._most_each:
            return next((one for one in self._readers if one is not reader and one.peer == reader.peer), None)
        if self._count.total > self._most:
            return next((one for one in self._readers if one is not reader), None)
        return None


class WriteFlow(Protocol):
    """The flow control of what is sent on a connection. While it is paused, sending waits for the peer."""

    write_paused: bool


class Reader:
    """The peer of one connection. `size` is the bytes it has not read, `taken_at` the time of its last progress."""

    __slots__ = ("_cut", "_unsent", "flow", "is_cut", "peer", "size", "taken_at")

    def __init__(self, unsent: UnsentAnswers, peer: str, cut: Callable[[], None], flow: WriteFlow) -> None:
        self.flow = flow
        self._unsent = unsent
        self._cut = cut
        self.is_cut = False
        self.peer = peer
        self.size = 0
        self.taken_at = 0.0

    def hold(self, more: int) -> None:
        """Count `more` bytes held for this reader; a negative number releases them."""
        if self.is_cut or not more:
            return
        self.size += more
        if more > 0:
            self._unsent.add(self, more)
        else:
            self._unsent.subtract(self, -more)

    def move(self, peer: str) -> None:
        """Count the bytes for another peer: a proxy forwards for several in turn."""
        size = self.size
        self.hold(-size)
        self.peer = peer
        self.hold(size)

    def note(self) -> None:
        """Record that the peer has read something."""
        self._unsent.note(self)

    def check(self) -> None:
        """Cut other stalled readers if there is no room. Called periodically while bytes are held for this reader."""
        self._unsent.check(self)

    async def room(self) -> None:
        """Wait for room for a response to this reader."""
        await self._unsent.room(self)

    def end(self) -> None:
        """Cut the connection and release its bytes; none are counted for it from now on."""
        self.hold(-self.size)
        self.is_cut = True
        self._cut()


def reader_in(scope: Scope) -> Reader | None:
    """Return the reader in the scope; None without the gateway's own server, as in tests of the application."""
    reader: Reader | None = scope.get(READER)
    return reader

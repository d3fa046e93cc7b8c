"""The store in a SQLite file: for the processes of one host, and over a restart."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from gateway.clock import Clock
from gateway.files import Identity, identity
from gateway.shared_cache import sqlite_schema
from gateway.shared_cache.sqlite_tables import SqliteTables
from gateway.shared_cache.store_health import StoreHealth
from gateway.shared_cache.store_port import (
    Lock,
    LoggedInvalidation,
    LogPosition,
    StoredValue,
    StoreListener,
    StoreProblem,
    StoreUnavailable,
    TurnClaim,
)
from gateway.shared_cache.tasks import task_running
from gateway.store_threads import StoreThreads

T = TypeVar("T")
# Seconds between two looks at what other processes have written.
POLL_SECONDS = 0.05
RETRY_SECONDS = 0.5
ERRORS = (sqlite3.Error, OSError)


class SqliteStore:
    """The store in the file `path`, whose values take at most `max_bytes`. A thread of its own waits for the disk."""

    def __init__(self, path: Path, max_bytes: int, *, clock: Clock) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._clock = clock
        self._health = StoreHealth()
        self._threads = StoreThreads(1, "shared-cache")
        self._tables: SqliteTables | None = None
        self._identity: Identity = None
        self._place: LogPosition | None = None
        self._released = 0
        self._known: dict[str, int] = {}

    @property
    def position(self) -> LogPosition | None:
        return self._place if self._health.is_readable else None

    @contextlib.asynccontextmanager
    async def running(self, listener: StoreListener) -> AsyncIterator[None]:
        self._health.on_change = listener.on_state
        try:
            await self._poll(listener)
            async with task_running(self._follow(listener)):
                yield
        finally:
            await self._threads.run(self._close)
            await self._threads.aclose()

    async def find(self, names: Sequence[str]) -> list[bytes | None]:
        now = self._clock.now()
        return await self._guarded(lambda tables: tables.find(names, now), is_tried_if_partial=True)

    async def claim(self, lock: Lock, names: Sequence[str]) -> TurnClaim:
        now = self._clock.now()
        return await self._guarded(lambda tables: tables.claim(lock, names, now))

    async def prolong(self, lock: Lock) -> bool:
        now = self._clock.now()
        return await self._guarded(lambda tables: tables.prolong(lock, now))

    async def release(self, lock: Lock) -> None:
        await self._guarded(lambda tables: tables.release(lock))

    async def put(self, values: Sequence[StoredValue], *, begun: LogPosition, subjects: Sequence[str]) -> bool:
        now = self._clock.now()
        remaining = [value for value in values if value.expires_at > now]
        if not remaining:
            return False
        return await self._guarded(lambda tables: tables.put(remaining, begun, subjects, now))

    async def invalidate(self, invalidation: LoggedInvalidation) -> None:
        await self._guarded(lambda tables: tables.invalidate(invalidation), is_tried_if_partial=True)

    async def _follow(self, listener: StoreListener) -> None:
        while True:
            await self._clock.sleep(POLL_SECONDS if await self._poll(listener) else RETRY_SECONDS)

    async def _poll(self, listener: StoreListener) -> bool:
        """Read what is new in the file, and note whether the file can be used. Return whether it can."""
        try:
            await self._read(listener)
            if self._health.problem is not None and self._health.problem.is_partial:
                now = self._clock.now()
                await self._threads.run(lambda: self._current().sweep(now))
        except ERRORS as error:
            await self._note(error)
            return False
        self._health.note(None)
        return True

    async def _read(self, listener: StoreListener) -> None:
        """Raise one of ERRORS."""
        tables = await self._threads.run(self._current)
        if self._place is None or self._place.epoch != tables.epoch:
            is_first = self._place is None
            self._place, self._released = await self._threads.run(lambda: (tables.position(), tables.last_release()))
            self._known.clear()
            if not is_first:
                listener.on_restart(is_complete=False)
            return
        place, released = self._place, self._released
        entries, releases = await self._threads.run(lambda: (tables.entries(place.number), tables.releases(released)))
        for number, origin, count, message in entries:
            is_next = number == self._place.number + 1
            self._place = self._place._replace(number=number)
            if not is_next:
                listener.on_restart(is_complete=False)
            if origin != listener.origin and count > self._known.get(origin, 0):
                self._known[origin] = count
                listener.on_invalidation(message)
        for number, lock in releases:
            self._released = number
            listener.on_release(lock)

    async def _guarded(self, work: Callable[[SqliteTables], T], *, is_tried_if_partial: bool = False) -> T:
        """Execute statements, unless they are known to fail. Raise StoreUnavailable."""
        self._health.check(is_tried_if_partial=is_tried_if_partial)
        try:
            result = await self._threads.run(lambda: work(self._current()))
        except ERRORS as error:
            raise StoreUnavailable(await self._note(error)) from None
        self._health.note_success()
        return result

    async def _note(self, error: Exception) -> StoreProblem:
        problem = sqlite_schema.problem_of(error)
        if problem is StoreProblem.DAMAGED:
            await self._threads.run(self._discard)
        self._health.note_failure(problem)
        return problem

    def _current(self) -> SqliteTables:
        """Return the tables of the file that is at the path now. Raise one of ERRORS."""
        if self._tables is None or identity(self._path) != self._identity:
            self._close()
            self._tables = SqliteTables(sqlite_schema.opened(self._path), self._max_bytes)
            self._identity = identity(self._path)
        return self._tables

    def _discard(self) -> None:
        """Remove a damaged file, unless another process has done so."""
        is_same = self._tables is None or identity(self._path) == self._identity
        self._close()
        if is_same:
            with contextlib.suppress(OSError):
                sqlite_schema.remove(self._path)

    def _close(self) -> None:
        tables, self._tables = self._tables, None
        if tables is not None:
            tables.close()

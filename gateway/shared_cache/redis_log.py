"""The log of invalidations in Redis, as one instance follows it, together with the locks that are returned.

A log is read from the last known place, so a connection that breaks makes nothing be missed. Entries are numbered: a
number that is not the next one, another epoch, or a log that ends before the known place says that entries are gone.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from redis.exceptions import OutOfMemoryError, ReadOnlyError

from gateway.clock import Clock
from gateway.shared_cache import redis_scripts
from gateway.shared_cache.redis_connection import ERRORS, connected, problem_of
from gateway.shared_cache.store_health import StoreHealth
from gateway.shared_cache.store_port import LogPosition, StoreListener
from gateway.shared_cache.tasks import task_running, within

# Milliseconds after which a read of logs without new entries returns, and seconds for which a response may be late.
BLOCK_MILLISECONDS = 500
LATE_SECONDS = 2.0
RETRY_SECONDS = 0.5
LEAVE_SECONDS = 0.5  # at the end of the process, which has to close its other stores as well
LIFE_SECONDS = 5  # for which an instance counts that gives no sign of life
AT_ONCE = 1_000  # entries of one read
BEGINNING = b"0-0"


class RedisLog:
    """The log of one scope.

    `name` is its key, `releases` that of the returned locks, `instances_name` that of the instances that run.
    """

    def __init__(self, url: str, prefix: str, *, clock: Clock, health: StoreHealth) -> None:
        self.name = f"{prefix}log"
        self.releases = f"{prefix}releases"
        self.position: LogPosition | None = None
        self.instances_name = f"{prefix}instances"
        self._own = secrets.token_hex(8)
        self.instances = 1
        self._clock = clock
        self._health = health
        self._redis = connected(url, connections=1)
        self._open = self._redis.register_script(redis_scripts.OPEN)
        self._sign_of_life = self._redis.register_script(redis_scripts.SIGN_OF_LIFE)
        self._returned = BEGINNING
        self._has_failed = False
        self._known: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def running(self, listener: StoreListener) -> AsyncIterator[None]:
        """Follow the log. The first attempt to do so is over when the context begins."""
        self._health.on_change = listener.on_state
        try:
            try:
                await self._find_place(listener, is_connected=False)
                await self._try_to_write()
            except ERRORS as error:
                self._has_failed = True
                self._health.note(problem_of(error))
            async with task_running(self._follow(listener)):
                yield
        finally:
            with contextlib.suppress(*ERRORS):
                await within(LEAVE_SECONDS, self._redis.zrem(self.instances_name, self._own))
            await self._redis.aclose()

    async def _follow(self, listener: StoreListener) -> None:
        is_connected = not self._has_failed
        while True:
            try:
                await self._find_place(listener, is_connected=is_connected)
                while True:
                    await self._try_to_write()
                    await self._read(listener)
                    await self._find_place(listener, is_connected=True)
            except ERRORS as error:
                self._health.note(problem_of(error))
            is_connected = False
            await self._clock.sleep(RETRY_SECONDS)

    async def _find_place(self, listener: StoreListener, *, is_connected: bool) -> None:
        """Find out whether the log goes on from the known place; begin a log if there is none.

        With `is_connected`, nothing has been missed until a moment ago.
        """
        opening = self._open(keys=[self.name, self.releases], args=[secrets.token_hex(8)])
        id, epoch, count, returned = await within(LATE_SECONDS, opening)
        known, found = self.position, LogPosition(epoch.decode(), count, id.decode())
        if known is not None and known.epoch == found.epoch and known.number <= found.number:
            return
        if known is not None and known.epoch != found.epoch and is_connected:
            self._begin_again(found.epoch, listener)
            return
        self.position, self._returned = found, returned
        self._known.clear()
        if known is not None or self._has_failed:
            listener.on_restart(is_complete=False)

    def _begin_again(self, epoch: str, listener: StoreListener) -> None:
        """Follow the log that has replaced the one that was followed, from its first entry."""
        self.position, self._returned = LogPosition(epoch, -1, BEGINNING.decode()), BEGINNING
        self._known.clear()
        listener.on_restart(is_complete=True)

    async def _try_to_write(self) -> None:
        """Note whether the store can be written. Raise one of ERRORS if it cannot be used at all."""
        try:
            sign = self._sign_of_life(keys=[self.instances_name], args=[self._own, LIFE_SECONDS])
            self.instances = await within(LATE_SECONDS, sign)
        except (OutOfMemoryError, ReadOnlyError) as error:
            self._health.note(problem_of(error))
        else:
            self._health.note(None)

    async def _read(self, listener: StoreListener) -> None:
        """Wait for new entries of both logs, for BLOCK_MILLISECONDS at most, and pass them on."""
        assert self.position is not None, "the place was found before"
        places: dict[Any, Any] = {self.name: self.position.id, self.releases: self._returned}
        work = self._redis.xread(places, count=AT_ONCE, block=BLOCK_MILLISECONDS)
        read: Any = await within(BLOCK_MILLISECONDS / 1_000 + LATE_SECONDS, work)
        for log, entries in read:
            for id, fields in entries:
                if log.decode() == self.releases:
                    self._returned = id
                    listener.on_release(fields[b"l"].decode())
                else:
                    self._receive(id.decode(), fields, listener)

    def _receive(self, id: str, fields: Mapping[bytes, bytes], listener: StoreListener) -> None:
        epoch, count = fields[b"e"].decode(), int(fields[b"n"])
        assert self.position is not None, "the place was found before"
        if epoch != self.position.epoch:
            self._begin_again(epoch, listener)
        is_next = count in (0, 1) if self.position.number < 0 else count == self.position.number + 1
        self.position = LogPosition(epoch, count, id)
        if not is_next:
            listener.on_restart(is_complete=False)
        origin, _, number = fields[b"o"].decode().rpartition(":")
        if origin in ("", listener.origin) or not fields[b"m"] or int(number) <= self._known.get(origin, 0):
            return  # an instance sends again what may not have arrived
        self._known[origin] = int(number)
        listener.on_invalidation(fields[b"m"])

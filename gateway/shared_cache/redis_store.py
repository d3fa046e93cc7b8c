"""The store in Redis, or in Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from gateway.clock import Clock
from gateway.shared_cache import redis_scripts
from gateway.shared_cache.redis_connection import (
    COMMAND_SECONDS,
    CONNECTIONS,
    ERRORS,
    LOOKUP_SECONDS,
    connected,
    problem_of,
)
from gateway.shared_cache.redis_log import RedisLog
from gateway.shared_cache.store_health import StoreHealth
from gateway.shared_cache.store_port import (
    EVERYTHING,
    Lock,
    LoggedInvalidation,
    LogPosition,
    StoredValue,
    StoreListener,
    StoreUnavailable,
    TurnClaim,
)
from gateway.shared_cache.tasks import within

T = TypeVar("T")

LEASE_SECONDS = 3.0
VALUE = b"1"
HEADER = 14  # bytes of a value before its content
ALIAS = b"@"
# Invalidations that are remembered for instances that were away, and returned locks.
LOG_LENGTH = 10_000
RELEASES_LENGTH = 1_000
AT_ONCE = 100  # values of one script
SCANNED = 1_000


class RedisStore:
    """The store of one scope, whose keys begin with `prefix`. Raise ValueError for an invalid URL."""

    def __init__(self, url: str, prefix: str, *, clock: Clock, processes: int = 1) -> None:
        """Create the store. There are so many `processes`, until more is known."""
        self._clock = clock
        self._prefix = prefix
        self._redis = connected(url)
        self._health = StoreHealth()
        self._log = RedisLog(url, prefix, clock=clock, health=self._health)
        self._log.instances = processes
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._scripts: dict[str, Any] = {}

    @property
    def position(self) -> LogPosition | None:
        return self._log.position if self._health.is_readable else None

    @contextlib.asynccontextmanager
    async def running(self, listener: StoreListener) -> AsyncIterator[None]:
        try:
            async with self._log.running(listener):
                yield
        finally:
            await self._redis.aclose()

    @property
    def processes(self) -> int:
        return self._log.instances

    async def reserve(self, rate: float) -> float | None:
        """Take a token of the upstream's bucket: see `SharedRate`."""
        try:
            keys = [f"{self._prefix}rate", self._log.instances_name]
            return float(await self._run(redis_scripts.RESERVE, keys, [rate])) / 1_000_000
        except StoreUnavailable:
            return None

    async def find(self, names: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for begin in range(0, len(names), AT_ONCE):
            some = names[begin : begin + AT_ONCE]
            values = await self._run(redis_scripts.FIND, some, seconds=LOOKUP_SECONDS, is_tried_if_partial=True)
            found += [_content(value) for value in values]
        return found

    async def claim(self, lock: Lock, names: Sequence[str]) -> TurnClaim:
        arguments = [_milliseconds(self._clock.now()), lock.token, _milliseconds(LEASE_SECONDS)]
        outcome, *rest = await self._run(redis_scripts.CLAIM, [lock.name, *names], arguments)
        if outcome == 1:
            return TurnClaim(values=tuple(value[HEADER:] for value in rest))
        return TurnClaim(lock=lock) if outcome == 2 else TurnClaim(wait=max(0, rest[0]) / 1_000)

    async def prolong(self, lock: Lock) -> bool:
        return bool(await self._run(redis_scripts.PROLONG, [lock.name], [lock.token, _milliseconds(LEASE_SECONDS)]))

    async def release(self, lock: Lock) -> None:
        await self._run(redis_scripts.RELEASE, [lock.name, self._log.releases], [lock.token, RELEASES_LENGTH])

    async def put(self, values: Sequence[StoredValue], *, begun: LogPosition, subjects: Sequence[str]) -> bool:
        now = self._clock.now()
        remaining = [value for value in values if value.expires_at > now]
        arguments: list[object] = [begun.epoch, begun.number, begun.id, ",".join(subjects)]
        for value in remaining:
            arguments += [_form(value), max(1, _milliseconds(value.expires_at - now))]
        keys = [self._log.name, *(value.name for value in remaining)]
        return bool(remaining) and bool(await self._run(redis_scripts.PUT, keys, arguments))

    async def invalidate(self, invalidation: LoggedInvalidation) -> None:
        if EVERYTHING not in invalidation.subjects:
            await self._invalidate(invalidation.names, invalidation, invalidation.message)
            return
        # The first entry refuses the values of calls in progress, the second one is read when all others are gone.
        await self._invalidate((), invalidation, b"")
        await self._remove_all()
        await self._invalidate((), invalidation, invalidation.message)

    async def _invalidate(self, names: Sequence[str], invalidation: LoggedInvalidation, message: bytes) -> None:
        origin = f"{invalidation.origin}:{invalidation.number}"
        subjects = ",".join(invalidation.subjects)
        arguments = [secrets.token_hex(8), LOG_LENGTH, origin, subjects, message]
        await self._run(redis_scripts.INVALIDATE, [self._log.name, *names], arguments, is_tried_if_partial=True)

    async def _remove_all(self) -> None:
        pattern = f"{self._prefix}a:*"
        cursor = 0
        while True:
            cursor, names = await self._guarded(
                partial(self._redis.scan, cursor, pattern, SCANNED), is_tried_if_partial=True
            )
            if names:
                await self._guarded(partial(self._redis.unlink, *names), is_tried_if_partial=True)
            if not cursor:
                return

    async def _run(
        self,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[object] = (),
        *,
        seconds: float = COMMAND_SECONDS,
        is_tried_if_partial: bool = False,
    ) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._redis.register_script(script)
        prepared = self._scripts[script]
        return await self._guarded(lambda: prepared(keys, arguments), seconds, is_tried_if_partial=is_tried_if_partial)

    async def _guarded(
        self,
        command: Callable[[], Awaitable[T]],
        seconds: float = COMMAND_SECONDS,
        *,
        is_tried_if_partial: bool = False,
    ) -> T:
        """Execute a command, unless it is known to fail. Raise StoreUnavailable."""
        self._health.check(is_tried_if_partial=is_tried_if_partial)
        try:
            async with self._slots:  # whose wait says nothing about Redis
                self._health.check(is_tried_if_partial=is_tried_if_partial)
                result = await within(seconds, command())
        except ERRORS as error:
            problem = problem_of(error)
            self._health.note_failure(problem)
            raise StoreUnavailable(problem) from None
        self._health.note_success()
        return result


def _form(value: StoredValue) -> bytes:
    if value.is_alias:
        return ALIAS + value.value
    return VALUE + b"%013d" % _milliseconds(max(0.0, value.fresh_until)) + value.value


def _content(value: bytes | None) -> bytes | None:
    return value[HEADER:] if value is not None and value[:1] == VALUE else None


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)

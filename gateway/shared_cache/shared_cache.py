"""The cache that instances share: answers by call, the right to buy a call, and invalidations."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from gateway.call_events import SharedCacheLookup
from gateway.clock import Clock
from gateway.domain.ids import Subject
from gateway.events import Hook, SharedCacheChanged
from gateway.reads.batches import single_calls
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.shared_cache.call_names import CallNames
from gateway.shared_cache.invalidation_queue import InvalidationQueue
from gateway.shared_cache.invalidations import (
    DataForgotten,
    Message,
    SubjectsChanged,
    Target,
    decoded,
    encoded,
    forgotten,
    target_of,
)
from gateway.shared_cache.records import RecordCodec, SharedRecord
from gateway.shared_cache.store_port import (
    EVERYTHING,
    Lock,
    LoggedInvalidation,
    LogPosition,
    SharedStore,
    StoredValue,
    StoreProblem,
    StoreUnavailable,
    TurnClaim,
)
from gateway.shared_cache.tasks import task_running
from gateway.shared_cache.turn_waiting import TurnWaiting
from gateway.shared_cache.unsent_marker import UnsentMarker

# Seconds for which a call waits for the instance that is making it, as long as that one is heard of.
PATIENCE = 20.0
# Seconds between two signs of life of an instance that has a lock; a lock ends after three of them.
PROLONG_SECONDS = 1.0
# Seconds for which a look-up waits for invalidations that are being sent, and the end of the process for its tasks.
SENDING_SECONDS = 0.25
CLOSING_SECONDS = 1.0
MESSAGE, TEXT = "log", "text"
TEXT_SECONDS = 30 * 86_400.0


class LocalData(Protocol):
    """The data of this instance. Its methods return at once."""

    def invalidate(self, subjects: list[tuple[FactKind, Subject]]) -> None:
        """Invalidate the answers about these subjects."""

    def forget(self, target: Target | None) -> None:
        """Forget the data of the target, or all of it."""


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """An answer to share: the call that it is stored under, other calls that it answers, and its times."""

    call: Call
    record: SharedRecord
    fresh_until: float
    serve_until: float
    aliases: Collection[Call] = ()


@dataclass(slots=True)
class Turn:
    """The turn of a call: `records` if another instance has bought it, one for each object that the call is about."""

    records: tuple[SharedRecord, ...] = ()
    lock: Lock | None = None
    position: LogPosition | None = None
    offered: list[SharedAnswer] = field(default_factory=list)


class SharedCache:
    """The cache of one instance with others. `data` is to be set before it runs."""

    data: LocalData

    def __init__(
        self,
        store: SharedStore,
        names: CallNames,
        codec: RecordCodec,
        *,
        clock: Clock,
        hook: Hook,
        marker: UnsentMarker | None = None,
    ) -> None:
        self.names = names
        self._store = store
        self._codec = codec
        self._clock = clock
        self._hook = hook
        self.origin = secrets.token_hex(8)
        self._number = 0
        self._queue = InvalidationQueue(store, clock, lambda: self._invalidation(DataForgotten(None)), marker)
        self._turns = TurnWaiting()
        self._tasks = set[asyncio.Task[None]]()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._queue.begin()
        async with self._store.running(self), task_running(self._queue.run()):
            try:
                yield
            finally:
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
                await self._queue.emptied(CLOSING_SECONDS)

    async def find(self, calls: Sequence[Call]) -> dict[Call, SharedRecord] | None:
        """Return the records of those calls that have one. None if the cache cannot be used now."""
        names = [self.names.of(call) for call in calls]
        try:
            values = await self._store.find(names) if await self._is_usable() else None
        except StoreUnavailable:
            values = None
        if values is None:
            self._hook(SharedCacheLookup(0, len(calls), is_usable=False))
            return None
        found = {
            call: record
            for call, value in zip(calls, values, strict=True)
            if value is not None and (record := self._codec.decode(value)) is not None
        }
        self._hook(SharedCacheLookup(len(found), len(calls) - len(found)))
        return found

    @contextlib.asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[Turn]:
        """Wait while another instance makes the call, and return its answer, or nothing: then the call is to be made.

        What the context adds to `offered` is stored. Raise CancelledError if nobody waits for the call any more.
        """
        turn = await self._claimed(call)
        prolonging = contextlib.nullcontext() if turn.lock is None else task_running(self._prolong(turn.lock))
        try:
            async with prolonging:
                yield turn
        finally:
            if turn.lock is not None or turn.offered:
                self._start(self._finish(turn))

    def share(self, answers: list[SharedAnswer], position: LogPosition | None) -> None:
        """Store answers to calls that were begun at `position`."""
        self._start(self._finish(Turn(position=position, offered=answers)))

    async def find_text(self, name: str) -> bytes | None:
        """Return what `store_text` has stored; None also if the cache cannot be used now."""
        try:
            (value,) = await self._store.find([name])
        except StoreUnavailable:
            return None
        return None if value is None else self._codec.open(TEXT, value)

    def store_text(self, name: str, text: bytes) -> None:
        """Store a text, which no invalidation removes."""
        if (position := self._store.position) is not None:
            until = self._clock.now() + TEXT_SECONDS
            value = StoredValue(name, self._codec.close(TEXT, text), until, until)
            self._start(self._store_quietly(value, position))

    @property
    def is_idle(self) -> bool:
        """True if everything that was offered is stored, and every invalidation sent, as far as the store allows."""
        return not self._tasks and self._queue.is_empty

    @property
    def position(self) -> LogPosition | None:
        """The place in the log at which a call begins."""
        return self._store.position

    def invalidate(self, subjects: Sequence[tuple[FactKind, Subject]], calls: Collection[Call]) -> None:
        """Remove the answers to `calls`, which are those about `subjects`, and tell all instances."""
        message = SubjectsChanged.of(subjects)
        names = [self.names.subject(kind, subject) for kind, subject in subjects]
        self._queue.add(self._invalidation(message, names, [self.names.of(call) for call in calls]))

    async def forget(self, target: Target | None, seconds: float) -> bool:
        """Remove everything, and have all instances forget the data of the target, or all of it.

        The answers that hold data of a target are not known here. Return whether it was done within so many seconds; it
        is done later otherwise.
        """
        self._queue.add(self._invalidation(forgotten(target)))
        return await self._queue.emptied(seconds)

    def on_invalidation(self, message: bytes) -> None:
        plain = self._codec.open(MESSAGE, message)
        change = None if plain is None else decoded(plain)
        match change:
            case SubjectsChanged():
                self.data.invalidate(change.decoded())
            case DataForgotten():
                self.data.forget(target_of(change))
            case None:  # this version cannot read it, and it may be about anything
                self.data.forget(None)
            case _:
                assert_never(change)

    def on_restart(self, *, is_complete: bool) -> None:
        if not is_complete:
            self.data.forget(None)
        self._queue.send_again()

    def on_release(self, lock: str) -> None:
        self._turns.wake(lock)

    def on_state(self, problem: StoreProblem | None) -> None:
        self._hook(SharedCacheChanged(None if problem is None else problem.value))

    async def _is_usable(self) -> bool:
        """Return whether the store may be read: not while it lacks an invalidation, which is waited for shortly."""
        if self._store.position is None or self._queue.is_stuck:
            return False
        return await self._queue.emptied(SENDING_SECONDS)

    async def _claimed(self, call: Call) -> Turn:
        lock = Lock(self.names.lock_of(call), f"{self.origin}:{secrets.token_hex(4)}")
        names = [self.names.of(single) for single in single_calls(call)]
        deadline = self._clock.monotonic() + PATIENCE
        has_failed = False
        with self._turns.waiting(lock.name) as wait:
            while await self._is_usable():
                position = self._store.position
                try:
                    claim = await self._store.claim(lock, names)
                except StoreUnavailable:
                    break
                records = self._records(claim)
                left = deadline - self._clock.monotonic()
                # After a failure each instance makes its own call: one after the other they would wait for too long.
                if records or claim.values or claim.lock is not None or has_failed or left <= 0:
                    return Turn(records, claim.lock, position)
                has_failed = await wait(min(left, claim.wait))
        return Turn(position=self._store.position)

    def _records(self, claim: TurnClaim) -> tuple[SharedRecord, ...]:
        records = [self._codec.decode(value) for value in claim.values]
        return () if None in records else tuple(record for record in records if record is not None)

    async def _prolong(self, lock: Lock) -> None:
        while True:
            await self._clock.sleep(PROLONG_SECONDS)
            with contextlib.suppress(StoreUnavailable):
                await self._store.prolong(lock)

    async def _finish(self, turn: Turn) -> None:
        with contextlib.suppress(StoreUnavailable):
            if turn.position is not None:
                for answer in turn.offered:
                    await self._put(answer, turn.position)
        if turn.lock is not None:
            with contextlib.suppress(StoreUnavailable):
                await self._store.release(turn.lock)

    async def _put(self, answer: SharedAnswer, begun: LogPosition) -> None:
        name, until = self.names.of(answer.call), (answer.fresh_until, answer.serve_until)
        values = [StoredValue(name, self._codec.encode(answer.record), *until)]
        values += [StoredValue(self.names.of(call), name.encode(), *until, is_alias=True) for call in answer.aliases]
        about = answer.call.endpoint.by(answer.call.key)
        await self._store.put(values, begun=begun, subjects=[self.names.subject(answer.call.endpoint.answers, about)])

    async def _store_quietly(self, value: StoredValue, position: LogPosition) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._store.put([value], begun=position, subjects=[])

    def _invalidation(
        self, message: Message, subjects: Sequence[str] = (EVERYTHING,), names: Sequence[str] = ()
    ) -> LoggedInvalidation:
        self._number += 1
        data = self._codec.close(MESSAGE, encoded(message))
        return LoggedInvalidation(self.origin, self._number, tuple(subjects), tuple(names), data)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

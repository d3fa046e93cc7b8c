"""Calls that instances share: a call is bought by one of them, and its answer serves all."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from gateway.cache.entity_cache import EntityCache, Stored
from gateway.clock import Clock
from gateway.domain.ids import Subject, Username
from gateway.reads.batches import joined, single_calls
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind, user_of
from gateway.reads.port import ReadOutcome
from gateway.shared_cache.records import SharedRecord, outcome_of, record_of
from gateway.shared_cache.shared_cache import SharedAnswer, SharedCache, Turn
from gateway.shared_cache.store_port import LogPosition

Pause = Callable[[int], Awaitable[None]]

# Bytes that are decoded in a unit of work.
DECODED = 400


@dataclass(slots=True)
class SharedCall:
    """A call in its turn. `outcome` is that of another instance, whose answer is in the local cache already."""

    outcome: ReadOutcome | None
    _turn: Turn

    def offer(self, answers: list[SharedAnswer]) -> None:
        """Share the answers when the turn ends."""
        self._turn.offered += answers


class SharedCalls:
    """The calls of one instance, between its own cache and the one that it shares."""

    def __init__(self, cache: SharedCache, memory: EntityCache, clock: Clock) -> None:
        self.cache = cache
        self._memory = memory
        self._clock = clock
        memory.on_forget = self._invalidate

    async def recall(self, calls: Sequence[Call], pause: Pause) -> bool:
        """Store the shared answers to `calls` in the local cache. Return whether the shared cache could be used.

        A call that skips the upstream's privacy check is answered by one that does not, too. `pause` waits until so
        many units of work may be done.
        """
        wanted = dict.fromkeys(one for call in calls for single in single_calls(call) for one in _sharable(single))
        begun = self._memory.version
        found = await self.cache.find(list(wanted))
        for call, record in ({} if found is None else found).items():
            await pause(1 + len(record.body) // DECODED)
            self._restore(call, record, begun)
        return found is not None

    @contextlib.asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[SharedCall]:
        """Wait while another instance makes the call. Raise CancelledError if nobody wants it any more."""
        began, begun = self._clock.monotonic(), self._memory.version
        async with self.cache.turn(call) as turn:
            outcome = self._restored(call, turn, begun)
            if outcome is not None:
                outcome = replace(outcome, seconds=self._clock.monotonic() - began)
            yield SharedCall(outcome, turn)

    def answers(self, outcome: ReadOutcome, stored: Stored | None) -> list[SharedAnswer]:
        """Return the answer to share of an outcome that is stored in the local cache; none for a failure."""
        record = record_of(outcome, self._clock.now())
        if record is None or stored is None:
            return []
        aliases = {outcome.call, *self._named(stored.call, outcome)} - {stored.call}
        return [SharedAnswer(stored.call, record, stored.span.fresh_until, stored.span.serve_until, aliases)]

    def share(self, answers: list[SharedAnswer], position: LogPosition | None) -> None:
        """Share answers to calls that had no turn, begun at `position`."""
        if answers:
            self.cache.share(answers, position)

    def _invalidate(self, subjects: list[tuple[FactKind, Subject]]) -> None:
        calls = [call for kind, subject in subjects for call in self._memory.calls_about(kind, subject)]
        self.cache.invalidate(subjects, calls)

    def _restored(self, call: Call, turn: Turn, begun: int) -> ReadOutcome | None:
        """Store what another instance has bought, and return the outcome of the whole call."""
        parts = [
            self._restore(single, record, begun)
            for single, record in zip(single_calls(call), turn.records, strict=bool(turn.records))
        ]
        known = [part for part in parts if part is not None]
        return joined(call, known) if known and len(known) == len(parts) else None

    def _restore(self, call: Call, record: SharedRecord, begun: int) -> ReadOutcome | None:
        """Store a record in the local cache. Return its outcome if it is fresh there."""
        outcome = outcome_of(call, record)
        if outcome is None:
            return None
        fetched_at = min(record.fetched_at, self._clock.now())  # the clock of another machine may be ahead
        stored = self._memory.keep(outcome, begun=begun, fetched_at=fetched_at)
        return outcome if stored is not None and self._clock.now() < stored.span.fresh_until else None

    def _named(self, stored_at: Call, outcome: ReadOutcome) -> list[Call]:
        """Return the calls by user name that an answer about a user serves as well."""
        user = None if outcome.value is None or outcome.problem is not None else user_of(outcome.value)
        if user is None or user.username is None:
            return []
        rows = [row for row in self._memory.endpoints if row.by_id is stored_at.endpoint and row.by is Username]
        return [Call(row, user.username.lower(), stored_at.forced) for row in rows]


def _sharable(call: Call) -> tuple[Call, ...]:
    return (call, Call(call.endpoint, call.key, cursor=call.cursor)) if call.forced else (call,)

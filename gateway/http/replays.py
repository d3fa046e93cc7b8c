"""Replays as they are observed: each is a line of the log and counts, without an event.

An event for each replay would take longer than the replay: its fields are known when the response is recorded, and only
request id, time and duration are its own. These are noted, and many notes are evaluated in one go: to count each replay
and make its line at once took three times as long, since the code for it was in no cache of the processor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from gateway.clock import Clock
from gateway.correlation import RequestIds
from gateway.operation_events import OperationCompleted, Replay, ReplayCount
from gateway.spans import current_scope

DELAY = 0.05  # seconds for which replays are noted
MOST_NOTED = 1_000  # replays
MOST_COUNTED = 1_000  # requests, beyond which their counts are recorded at once

Record: TypeAlias = Callable[[OperationCompleted, int, float], None]
"""Records so many operations that are all as the event, and took so many seconds together."""


class ReplayLog(Protocol):
    """The log of replays. `ending` returns the constant part of a line."""

    def ending(self, event: OperationCompleted) -> bytes: ...

    def write(self, replays: Sequence[Replay]) -> None: ...


class ReplayObserver:
    """Observes the replays of one process. `drain` passes their counts to `record`, if there is one.

    `traces`: each request has a span, whose trace is that of its replay.
    """

    def __init__(
        self,
        clock: Clock,
        ids: RequestIds,
        log: ReplayLog | None = None,
        record: Record | None = None,
        *,
        traces: bool = False,
    ) -> None:
        self.now = clock.monotonic
        self.make_id = ids.make
        self._ids = ids
        self._log = log
        self._record = record
        self._traces = traces
        self._observes = log is not None or record is not None
        self._noted: list[Replay] = []
        self._counted: list[ReplayCount] = []

    def observed(self, operation: OperationCompleted) -> ReplayCount:
        """Return the count of the replays of one request, none so far."""
        return ReplayCount(operation, b"" if self._log is None else self._log.ending(operation))

    def correlation(self, given: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, str | None]:
        """Return the id and the trace of a request, which has sent `given` of the headers that name them."""
        correlation = self._ids.correlation(given)
        return correlation.request.encode(), correlation.trace

    def note(self, count: ReplayCount, request: bytes, trace: str | None, began: float) -> None:
        """Note a replay that began at `began` and has been sent."""
        if self._observes:
            if self._traces and (scope := current_scope()) is not None:
                trace = scope.root.trace_id
            # Made first: to make it may begin a collection of garbage, which may log, and so evaluate the notes.
            replay = count, request, trace, began, self.now()
            noted = self._noted
            noted.append(replay)
            if len(noted) == 1:
                asyncio.get_running_loop().call_later(DELAY, self.evaluate)
            elif len(noted) >= MOST_NOTED:
                self.evaluate()

    def drain(self) -> None:
        """Write the lines of the replays so far, and record them, those of each request together."""
        self.evaluate()
        counted, self._counted = self._counted, []
        for replay in counted:
            count, seconds, replay.count, replay.seconds = replay.count, replay.seconds, 0, 0.0
            if self._record is not None:
                self._record(replay.operation, count, seconds)

    def evaluate(self) -> None:
        """Count the replays that are noted, and write their lines."""
        if not self._noted:
            return
        empty: list[Replay] = []
        noted, self._noted = self._noted, empty
        if self._record is not None:
            for count, _, _, began, ended in noted:
                if not count.count:
                    self._counted.append(count)
                count.count += 1
                count.seconds += ended - began
            if len(self._counted) > MOST_COUNTED:
                self.drain()
        if self._log is not None:
            self._log.write(noted)

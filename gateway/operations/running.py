"""The running operations of a process. Each is described while it runs, and ends with one event."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from graphql import GraphQLError

from gateway.clock import Clock
from gateway.correlation import CURRENT, Correlation
from gateway.events import Hook
from gateway.operation_events import AnswerSource, CallSummary, OperationCompleted, Transport
from gateway.operations.operation_spans import OperationScope, TraceOrigin, operation_scope
from gateway.spans import SpanContext, Tracer, enter
from schema.context import Context, OperationHead

UNKNOWN = "-"
MOST_CODES = 10
MOST_CALLS = 50  # of a slow operation, in its event: the slowest
DIGITS = 16  # of the document's hash


class RunningOperations:
    """The operations that are running. One that takes `slow` seconds or longer has its plan in its event."""

    def __init__(self, hook: Hook, clock: Clock, *, slow: float | None = None, tracer: Tracer | None = None) -> None:
        self.hook = hook
        self.tracer = tracer
        self.clock = clock
        self.slow = slow
        self._running = set[RunningOperation]()

    def __len__(self) -> int:
        return len(self._running)

    def begin(
        self, correlation: Correlation, transport: Transport, origin: TraceOrigin | None = None
    ) -> RunningOperation:
        """Begin an operation. `origin` is its trace context, if its request is not the current one."""
        operation = RunningOperation(self, correlation, transport)
        if self.tracer is not None:
            operation.scope = operation_scope(self.tracer, transport, origin)
        self._running.add(operation)
        return operation

    def trace_context(self, headers: Mapping[str, str]) -> SpanContext | None:
        """Return the trace context in the headers of a connection or of an operation; None where tracing is off."""
        if self.tracer is None:
            return None
        return self.tracer.context_in([(name.encode(), value.encode()) for name, value in headers.items()])

    def discard(self, operation: RunningOperation) -> None:
        """Remove an operation that ended, or one that turned out to be none, without an event."""
        self._running.discard(operation)

    def end(self, operation: RunningOperation, *, status: int | None, cancelled: bool) -> None:
        """Emit the event of an operation. A second call does nothing."""
        if operation in self._running:
            self._running.discard(operation)
            completed = operation.event(self.clock.monotonic(), self.slow, status=status, cancelled=cancelled)
            self.hook(completed)
            if operation.scope is not None:
                operation.scope.complete(completed)


class RunningOperation:
    """One operation, with what is known about it so far."""

    def __init__(self, running: RunningOperations, correlation: Correlation, transport: Transport) -> None:
        self.running = running
        self.correlation = correlation
        self.transport = transport
        self.source = AnswerSource.REFUSED
        self.scope: OperationScope | None = None
        self.client = UNKNOWN
        self.text: str | None = None
        self._worth = 0
        self.head = OperationHead()
        self._codes: dict[str, None] = {}
        self._has_data = False
        self._context: Context | None = None
        self._began_at = running.clock.monotonic()

    def enter(self) -> None:
        """Make this the operation of the current task, which runs it alone."""
        CURRENT.set(self.correlation)
        if self.scope is not None:
            enter(self.scope)

    def attach(self, context: Context) -> Context:
        """Return `context` such that what is executed with it is known as this operation."""
        self._context = replace(context, head=self.head)
        self.client = context.client.id
        return self._context

    def refuse(self, problem: GraphQLError) -> GraphQLError:
        """Note the error that is the whole answer, and return it."""
        self.note_result([problem], has_data=False, executed=False)
        return problem

    def note_result(self, errors: Iterable[GraphQLError], *, has_data: bool, executed: bool) -> None:
        for error in errors:
            self.note_code((error.extensions or {}).get("code"))
        self._has_data |= has_data
        if executed:
            self.source = AnswerSource.EXECUTED

    def note_cached(self, worth: int, *, has_data: bool) -> None:
        """Note that the answer is a cached response, which would cost `worth` to fetch again."""
        self.source = AnswerSource.RESPONSE_CACHE
        self._worth = worth
        self._has_data = has_data

    def noted(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Note a result, or a part of one, in the form that is sent, and return it."""
        parts = (payload, *payload.get("incremental", ()), *payload.get("completed", ()))
        for part in parts:
            for error in part.get("errors") or ():
                self.note_code(error.get("extensions", {}).get("code"))
            self._has_data |= part.get("data") is not None or part.get("items") is not None
        if self.scope is not None and self.transport not in (Transport.HTTP, Transport.BATCH):
            self.scope.stream()
        if "data" in payload or "hasNext" in payload:
            self.source = AnswerSource.EXECUTED
        return payload

    def note_code(self, code: str | None) -> None:
        if code is not None and len(self._codes) < MOST_CODES:
            self._codes[code] = None

    def discard(self) -> None:
        """End without an event: the request has no operation, or several that are counted on their own."""
        self.running.discard(self)

    def end(self, *, status: int | None, cancelled: bool = False) -> None:
        self.running.end(self, status=status, cancelled=cancelled)

    def replay(self, status: int) -> OperationCompleted:
        """Return the event of a replay of this operation's response, without request id and duration."""
        event = self.event(self._began_at, None, status=status, cancelled=False)
        return replace(event, request="", trace=None, source=AnswerSource.EXACT_MATCH)

    def event(self, now: float, slow: float | None, *, status: int | None, cancelled: bool) -> OperationCompleted:
        seconds = now - self._began_at
        if cancelled and self.head.is_accepted and self.source is AnswerSource.REFUSED and not self._codes:
            self.source = AnswerSource.EXECUTED  # neither was it refused, nor had it a result
        return OperationCompleted(
            request=self.correlation.request,
            client=self.client,
            transport=self.transport,
            source=self.source,
            operation=self.head.name,
            type=self.head.type,
            document=None if self.text is None else document_hash(self.text),
            status=status,
            codes=tuple(self._codes),
            has_data=self._has_data,
            cancelled=cancelled,
            seconds=seconds,
            trace=self.correlation.trace if self.scope is None else self.scope.root.trace_id,
            **self._figures(cancelled=cancelled),
            plan=self._plan() if slow is not None and seconds >= slow and self.head.type != "subscription" else None,
        )

    def _figures(self, *, cancelled: bool) -> dict[str, int]:
        """Return the amounts. Those saved by the cache are computed for a response only, which has them as well."""
        if self.source is AnswerSource.RESPONSE_CACHE:
            return {"saved_by_cache": self._worth}
        if self._context is None:
            return {}
        fetcher, executed = self._context.fetcher, self.source is AnswerSource.EXECUTED
        return {
            "charged": fetcher.bill.charged,
            "saved_by_cache": fetcher.saved_by_cache() if executed and not cancelled else 0,
            "saved_by_sharing": fetcher.bill.saved_by_sharing,
            "calls": len(fetcher.bill.lines),
        }

    def _plan(self) -> tuple[CallSummary, ...]:
        lines = [] if self._context is None else self._context.fetcher.bill.lines
        slowest = heapq.nlargest(MOST_CALLS, range(len(lines)), key=lambda at: lines[at].seconds)
        return tuple(
            CallSummary(
                endpoint=line.purchase.call.endpoint.label,
                source=line.source.value.lower(),
                price=line.purchase.price,
                charged=line.charged,
                start=line.start,
                seconds=line.seconds,
                waited=line.waited,
                attempts=line.attempts,
                error=None if line.problem is None else line.problem.code,
            )
            for line in sorted((lines[at] for at in sorted(slowest)), key=lambda line: line.start)
        )


def document_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]

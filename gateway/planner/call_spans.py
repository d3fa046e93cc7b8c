"""The spans of one operation's calls, whoever makes them.

A call that the operation buys runs in a task of its own, which may outlive the operation. Its span ends with the task.
Only the operation's bill says what became of the call, so the span waits for that too, unless the operation is over.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.billing.bill import BilledCall, BillingRecord, Source
from gateway.billing.prices import Purchase
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.spans import CANCELLED, Attribute, Attributes, LiveSpan, Scope, SpanContext, Tracer, current_scope, within


@dataclass(slots=True)
class _OpenCall:
    """A call whose span has not ended.

    `is_made`: no task makes it any more, since `made_at`; `is_abandoned`: the operation is over.
    """

    span: LiveSpan
    is_made: bool
    made_at: float | None = None
    is_abandoned: bool = False


class CallSpans:
    """The spans of the calls of one operation. `in_flight` holds those of all calls that are being made."""

    def __init__(self, tracer: Tracer, in_flight: dict[Call, LiveSpan]) -> None:
        self._tracer = tracer
        self._in_flight = in_flight
        self._open: dict[Call, _OpenCall] = {}
        self._scope: Scope | None = None

    def buy(
        self, purchase: Purchase, work: Callable[[], Coroutine[Any, Any, ReadOutcome]]
    ) -> Coroutine[Any, Any, ReadOutcome]:
        """Begin the span of a call that the operation buys. Return `work` within it, which runs in its own task."""
        opened = self._open[purchase.call] = self._begin(purchase, Source.BOUGHT)
        self._in_flight[purchase.call] = opened.span
        return self._make(purchase.call, opened, work)

    def share(self, purchase: Purchase, call: Call) -> None:
        """Begin the span of a call that another operation makes, with a link to the span in that one."""
        bought = self._in_flight.get(call)
        self._open[call] = self._begin(purchase, Source.SHARED, () if bought is None else (bought,))

    def settle(self, line: BilledCall) -> None:
        """End the span of a call that stands on the bill."""
        purchase = line.purchase
        opened = self._open.pop(purchase.call, None) or self._begin(purchase, line.source)
        opened.span.set({Attribute.SOURCE: _name(line.source), Attribute.CHARGED: line.charged})
        if line.age is not None:
            opened.span.set({Attribute.AGE: round(line.age, 3)})
        if line.problem is not None:
            opened.span.fail(line.problem.code)
        opened.span.end(opened.made_at)

    def close(self) -> None:
        """End the spans that the bill says nothing of: the operation is over. Tasks end those of their own calls."""
        left, self._open = self._open, {}
        for opened in left.values():
            opened.is_abandoned = True
            if opened.is_made:
                opened.span.end(opened.made_at)

    def _begin(self, purchase: Purchase, source: Source, links: tuple[SpanContext, ...] = ()) -> _OpenCall:
        scope = current_scope()
        if scope is not None and scope is not self._scope:
            self._scope = scope
            scope.at_end(self.close)
        label = purchase.call.endpoint.label
        attributes: Attributes = {
            Attribute.ENDPOINT: label,
            Attribute.PRICE: purchase.price,
            Attribute.SOURCE: _name(source),
        }
        parent = None if scope is None else scope.span
        span = self._tracer.start(f"call {label}", parent=parent, links=links, attributes=attributes)
        return _OpenCall(span, is_made=source is not Source.BOUGHT)

    async def _make(
        self, call: Call, opened: _OpenCall, work: Callable[[], Coroutine[Any, Any, ReadOutcome]]
    ) -> ReadOutcome:
        try:
            with within(Scope(opened.span)):
                outcome = await work()
            opened.span.set({Attribute.CHARGED: outcome.charged})
            if outcome.waited:
                opened.span.set({Attribute.WAITED: round(outcome.waited, 3)})
            if outcome.problem is not None:
                was_left = opened.is_abandoned and not outcome.attempts  # in the queue: nothing failed
                opened.span.fail(CANCELLED if was_left else outcome.problem.code)
            return outcome
        finally:
            opened.is_made, opened.made_at = True, self._tracer.now()
            if self._in_flight.get(call) is opened.span:
                del self._in_flight[call]
            if opened.is_abandoned:
                opened.span.end()


class TracedBill(BillingRecord):
    """The bill of an operation whose calls have spans."""

    def __init__(self, spans: CallSpans) -> None:
        super().__init__()
        self._spans = spans

    def add(self, line: BilledCall) -> None:
        super().add(line)
        self._spans.settle(line)


def _name(source: Source) -> str:
    return source.value.lower()

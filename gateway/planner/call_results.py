"""The results of calls in one operation: on its bill, and in its facts."""

from __future__ import annotations

from dataclasses import replace

from gateway.billing.bill import BilledCall, BillingRecord, Source
from gateway.billing.prices import Purchase
from gateway.cache.operation_view import OperationView
from gateway.call_events import CallBilled
from gateway.domain.ids import UserId
from gateway.domain.users import Profile, UserSummary
from gateway.errors import GatewayError, InsufficientFunds, PrivateAccount, Refused, UpstreamError
from gateway.events import Hook, StaleServed
from gateway.planner.resolved_data import OperationData
from gateway.reads.batches import parts_of, single_calls
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.reads.port import ReadOutcome


class CallResults:
    """The results of one operation. `forced` says that it forces calls."""

    def __init__(
        self, view: OperationView, facts: OperationData, bill: BillingRecord, hook: Hook, *, forced: bool
    ) -> None:
        self._view = view
        self._facts = facts
        self._bill = bill
        self._hook = hook
        self._forced = forced

    def apply(self, purchase: Purchase, source: Source, outcome: ReadOutcome, start: float) -> None:
        unforced = self._forced and purchase.call.endpoint.forced_price is not None and not purchase.call.forced
        if unforced and isinstance(outcome.problem, PrivateAccount):
            return  # the shared call was refused for want of the right to force, so this operation calls again
        if outcome.is_shared and source is Source.BOUGHT:
            source = Source.SHARED  # another instance had made the call when this one had its turn
        charged = outcome.charged if source is Source.BOUGHT else 0
        if isinstance(outcome.problem, InsufficientFunds):
            source = Source.REFUSED  # in any case nothing was bought, and nothing saved by sharing it
        line = BilledCall(
            purchase,
            source,
            charged,
            start,
            outcome.seconds,
            problem=outcome.problem,
            waited=outcome.waited,
            attempts=outcome.attempts,
        )
        if isinstance(outcome.problem, UpstreamError):
            self._serve_stale(line, outcome.problem)
        else:
            self._add(line)
            for part in parts_of(outcome):
                self._view.count_miss(part.call)
                self._view.note(part)
                self._facts.tell(part.call, part.answer)

    def refuse(self, purchase: Purchase, problem: Refused | InsufficientFunds, start: float) -> None:
        line = BilledCall(purchase, Source.REFUSED, start=start, problem=problem)
        if isinstance(problem, InsufficientFunds):
            self._serve_stale(line, problem)
        else:
            self._add(line)
            self._tell(purchase.call, problem)

    def _add(self, line: BilledCall) -> None:
        self._bill.add(line)
        self._hook(CallBilled(line.purchase.call.endpoint.label, line.source.value, line.charged))

    def _tell(self, call: Call, problem: GatewayError) -> None:
        for single in single_calls(call):
            self._view.count_miss(single)
            self._facts.tell(single, problem)

    def _serve_stale(self, line: BilledCall, problem: UpstreamError) -> None:
        """Record a failed call. A stale entry is preferred to the error, and is billed as stale."""
        call = line.purchase.call
        stale = self._view.stale(call)
        if stale is None:
            self._add(line)
            self._tell(call, problem)
            return
        self._add(replace(line, source=Source.STALE, age=stale.age))
        self._view.count_miss(call, stale=True)
        if isinstance(stale.value, UserSummary) and not isinstance(stale.value, Profile):
            # There is no profile: the requirement of its other fields is met by the error.
            self._facts.fail(FactKind.PROFILE, UserId(stale.value.id), problem)
        self._facts.tell(call, stale.value)
        self._hook(StaleServed(call.endpoint.label, stale.age))

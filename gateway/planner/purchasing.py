"""The purchase of one call: reserve its price, make it or join the one in flight, settle, and cache the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeAlias

from gateway.billing.bill import Source
from gateway.billing.budget import OperationBudget, Reservation
from gateway.billing.leases import LeaseNeeded
from gateway.billing.prices import Purchase
from gateway.errors import InsufficientFunds, LedgerUnavailable, Refused
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.batches import parts_of
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome

Step: TypeAlias = tuple[Call, Source, Awaitable[ReadOutcome]] | Refused | InsufficientFunds
"""The call that is made, by whom, and its outcome; or why it is not made."""


class Purchasing:
    """The purchases within one operation's budget."""

    def __init__(self, services: UpstreamServices, budget: OperationBudget) -> None:
        self._services = services
        self._budget = budget

    async def start(self, purchases: Sequence[Purchase]) -> Step | None:
        """Start the first purchase; or, where more had to be leased, lease for all of them and return None."""
        try:
            return self._start(purchases[0])
        except LeaseNeeded:
            try:
                await self._budget.lease(purchases[0].price, sum(purchase.price for purchase in purchases))
            except LedgerUnavailable as problem:
                return problem
        return None

    def _start(self, purchase: Purchase) -> Step:
        """Join the call in flight, or reserve and start it; return the refusal otherwise. Raise LeaseNeeded."""
        flights = self._services.flights
        shared = next((call for call in _sharable_calls(purchase.call) if call in flights), None)
        if shared is not None:
            return shared, Source.SHARED, flights.join(shared)
        try:
            reservation = self._budget.reserve(purchase.price)
        except (Refused, InsufficientFunds) as problem:
            return problem
        flights.start(purchase.call, self._execute(purchase.call, reservation))
        return purchase.call, Source.BOUGHT, flights.join(purchase.call)

    async def _execute(self, call: Call, reservation: Reservation) -> ReadOutcome:
        """Make the call. It runs to its end even if no operation waits for it any more: a paid answer is cached."""
        services, charged = self._services, reservation.price
        begun = services.memory.version
        try:
            outcome = await services.api.fetch(call)
            charged = outcome.charged
        finally:
            reservation.settle(charged, endpoint=call.endpoint.label)
        if not outcome.in_doubt:
            services.prices.note(call, charged)
        if isinstance(outcome.problem, InsufficientFunds):
            self._budget.account.note_empty()
        for part in parts_of(outcome):
            services.memory.keep(part, begun=begun)
        return outcome


def _sharable_calls(call: Call) -> tuple[Call, ...]:
    """Return the calls with a suitable answer: a forced operation may share an unforced call, but not the reverse."""
    return (Call(call.endpoint, call.key, cursor=call.cursor), call) if call.forced else (call,)

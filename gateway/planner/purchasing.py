"""The purchase of one call: reserve its price, make it or join the one in flight, settle, and cache the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeAlias

from gateway.billing.bill import Source
from gateway.billing.budget import OperationBudget, Reservation
from gateway.billing.leases import LeaseNeeded
from gateway.billing.prices import Purchase
from gateway.call_events import ChargeSettled
from gateway.errors import GatewayError, InsufficientFunds, LedgerUnavailable, Refused
from gateway.planner.call_spans import CallSpans
from gateway.planner.upstream_services import UpstreamServices
from gateway.queue_place import QueueClient
from gateway.reads.batches import parts_of, single_calls
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.shared_cache.shared_cache import SharedAnswer
from gateway.single_flight import SingleFlight

Step: TypeAlias = tuple[Call, Source, asyncio.Future[ReadOutcome]] | Refused | InsufficientFunds
"""The call that is made, by whom, and its outcome; or why it is not made."""


class Purchasing:
    """The purchases within one operation's budget. `spans` are those of its calls, if it is traced.

    Calls in `anew` are made although other instances may have their answers.
    """

    def __init__(
        self,
        services: UpstreamServices,
        budget: OperationBudget,
        spans: CallSpans | None = None,
        *,
        anew: frozenset[Call] = frozenset(),
    ) -> None:
        self._anew = anew
        self._services = services
        self._budget = budget
        self._spans = spans
        self._client = QueueClient(budget.allowance.client, budget.weight)

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
        shared = _in_flight(purchase.call, flights)
        if shared is not None:
            if self._spans is not None:
                self._spans.share(purchase, shared)
            return shared, Source.SHARED, flights.join(shared, self._client)
        try:
            reservation = self._budget.reserve(purchase.price)
        except (Refused, InsufficientFunds) as problem:
            return problem
        if self._spans is None:
            flights.start(purchase.call, self._execute(purchase.call, reservation))
        else:
            work = partial(self._execute, purchase.call, reservation)
            flights.start(purchase.call, self._spans.buy(purchase, work))
        return purchase.call, Source.BOUGHT, flights.join(purchase.call, self._client)

    def abandon(self, steps: Iterable[Step]) -> None:
        """Wait no longer for the outcomes. Calls that nobody else wants, and that are not sent yet, are not made."""
        for step in steps:
            if not isinstance(step, GatewayError) and not step[2].done():
                self._services.flights.leave(step[0], step[2])

    async def _execute(self, call: Call, reservation: Reservation) -> ReadOutcome:
        """Make the call, or wait for another instance that is making it.

        Once sent it runs to its end even if no operation waits for it: a paid answer is cached.
        """
        shared = self._services.shared
        if shared is None:
            return (await self._buy(call, reservation))[0]
        if call in self._anew:
            position = shared.cache.position
            outcome, answers = await self._buy(call, reservation)
            shared.share(answers, position)
            return outcome
        try:
            async with shared.turn(call) as turn:
                if turn.outcome is not None:
                    return turn.outcome
                outcome, answers = await self._buy(call, reservation)
                turn.offer(answers)
                return outcome
        finally:
            reservation.settle(0, endpoint=call.endpoint.label)  # if it is not settled yet

    async def _buy(self, call: Call, reservation: Reservation) -> tuple[ReadOutcome, list[SharedAnswer]]:
        """Make the call. Return its outcome, and the answers in it that other instances may use."""
        services, charged = self._services, reservation.price
        begun = services.memory.version
        try:
            outcome = await services.api.fetch(call)
            charged = outcome.charged
        finally:
            reservation.settle(charged, endpoint=call.endpoint.label)
            if charged:
                services.hook(ChargeSettled(self._budget.allowance.client, call.endpoint.label, charged))
        if not outcome.in_doubt:
            services.prices.note(call, charged)
        if isinstance(outcome.problem, InsufficientFunds):
            self._budget.account.note_empty()
        answers: list[SharedAnswer] = []
        for part in parts_of(outcome):
            stored = services.memory.keep(part, begun=begun)
            if services.shared is not None:
                answers += services.shared.answers(part, stored)
        return outcome, answers


def _in_flight(call: Call, flights: SingleFlight[Call, ReadOutcome]) -> Call | None:
    """Return a call in flight whose answer serves as that of `call`; None if one must be made.

    A call about several objects is served by those in flight that are about all of these: the first of them is joined,
    and the objects that it is not about are planned anew.
    """
    shared = next((one for one in _sharable_calls(call) if one in flights), None)
    if shared is not None or call.endpoint.batch_size == 1:
        return shared
    wanted = set(single_calls(call))
    others = {one: wanted.intersection(single_calls(one)) for one in flights if one.endpoint is call.endpoint}
    is_served = wanted == set[Call]().union(*others.values())
    return next(one for one, served in others.items() if served) if is_served else None


def _sharable_calls(call: Call) -> tuple[Call, ...]:
    """Return the calls with a suitable answer: a forced operation may share an unforced call, but not the reverse."""
    return (Call(call.endpoint, call.key, cursor=call.cursor), call) if call.forced else (call,)

"""Buying: reserve, call, settle, remember. One call in flight per question, whoever asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.billing.bill import BilledCall, BillingRecord, Source
from gateway.billing.budget import OperationBudget, Reservation
from gateway.billing.leases import LeaseNeeded
from gateway.billing.prices import Prices, Purchase
from gateway.cache.entity_cache import EntityCache, MoreToRead, OperationView
from gateway.cache.response_cache import Dependencies
from gateway.cache.single_flight import SingleFlight
from gateway.clock import Clock
from gateway.domain.models import Profile, UserSummary
from gateway.errors import (
    GatewayError,
    InsufficientFunds,
    LedgerUnavailable,
    PrivateAccount,
    Refused,
    UpstreamError,
)
from gateway.events import Hook, StaleServed
from gateway.planner.estimator import EXPECTED, LOWER, MANY, Pricer, SimulatedData, total
from gateway.planner.plan import plan
from gateway.planner.requirements import Questions, Requirement, open_requirements, unmet
from gateway.planner.resolved_data import OperationData
from gateway.planner.selection import Selection
from gateway.scheduling import SLICE, FairScheduler
from gateway.upstream.hikerapi.client import HikerApi, ReadOutcome
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

# Calls that are begun, and answers that are taken, between two turns of others.
AT_ONCE = 20
# The work of a call: it is sent, received, decoded and kept.
CALL = 30
ANSWER = 5

Step: TypeAlias = tuple[Call, Source, Awaitable[ReadOutcome]] | Refused | InsufficientFunds


@dataclass(frozen=True, slots=True)
class UpstreamServices:
    """What all operations buy from and remember together."""

    api: HikerApi
    memory: EntityCache
    prices: Prices
    flights: SingleFlight[Call, ReadOutcome]
    clock: Clock
    hook: Hook
    scheduler: FairScheduler = field(default_factory=FairScheduler)


class Fetcher:
    """Buys for one operation, with its purse. What it has learned is in `facts`, what it did in `bill`.

    Calls in `anew` are bought although their answers are remembered, and these stay until there are newer ones.
    """

    def __init__(
        self, market: UpstreamServices, purse: OperationBudget, *, forced: bool, anew: frozenset[Call] = frozenset()
    ) -> None:
        self.market = market
        self.purse = purse
        self.forced = forced
        self.share = market.scheduler.share()
        self.recollection = OperationView(market.memory, forced=forced, anew=anew)
        self.facts = OperationData(self.recollection)
        self.bill = BillingRecord()
        self.pricer = Pricer(market.prices, forced=forced)
        self._roots: list[Selection] = []
        self._worth: int | None = None
        self._begun = market.clock.monotonic()

    async def prepare(self, roots: Sequence[Selection]) -> None:
        """Buys all that the operation can be seen to need.

        Raises BudgetExceeded, AllowanceExceeded or InsufficientFunds, before anything is spent, if not even the least
        it can cost is there. What does not fit later is a problem in its place. May be called again, for what only the
        operation's effects have shown it to lead to.
        """
        open_questions = await self._asked(lambda: open_requirements(roots, self.facts))
        if open_questions:
            await self._admit(roots, open_questions)
        self._roots += roots  # a refused operation saved nothing
        self._worth = None
        if open_questions:
            await self._buy(lambda: open_requirements(roots, self.facts), len(open_questions))

    async def _admit(self, roots: Sequence[Selection], asked: Questions) -> None:
        """What cannot even begin is refused for what its first calls cost, before the rest of it is imagined."""
        least = self.pricer.least(asked, self.facts)
        self.bill.expected += least
        self.purse.admit(least)
        worlds = [SimulatedData(self.facts, world, recalls=True) for world in (LOWER, EXPECTED)]
        lower, expected = [await self.pricer.total_in_steps(roots, world, self.share.take) for world in worlds]
        self.bill.expected += expected - least
        self.purse.admit(lower)

    async def answer(self, wanted: Iterable[Requirement]) -> None:
        """Buys what could not be foreseen: afterwards `facts` has a value or a problem for each question."""
        wanted = tuple(wanted)
        self._worth = None
        await self._buy(lambda: unmet(wanted, self.facts), len(wanted))

    def provenance(self) -> Dependencies | None:
        """The entries that the operation's answer was made of; None for an answer that must not be kept."""
        return None if self.bill.stale else self.recollection.provenance()

    async def appraise(self) -> None:
        """Works out `worth` ahead, in steps between which others have the event loop."""
        if self.recollection.recalls:
            cold = SimulatedData(self.facts, EXPECTED, recalls=False)
            self._worth = await self.pricer.total_in_steps(self._roots, cold, self.share.take)

    @property
    def worth(self) -> int:
        """What the operation would have cost with an empty cache. To be read once all it needs is known.

        Where nothing was recalled the cache might as well have been empty: then its calls need not be imagined again.
        """
        if not self.recollection.recalls:
            return self.bill.nominal
        if self._worth is None:
            self._worth = total(self.pricer.cold(self._roots, self.facts))
        return self._worth

    def saved_by_cache(self) -> int:
        """Its worth, less what its calls cost or would have cost."""
        return max(0, self.worth - self.bill.nominal)

    async def _buy(self, ask: Callable[[], Questions], many: int) -> None:
        """`many` are the questions that are asked at first, more or less.

        Nothing comes between asking and planning: what is planned is what is not known.
        """
        while True:
            if many > MANY:
                await self.share.take(2 * many)
            purchases = plan(await self._asked(ask), self.facts, self.market.prices, forced=self.forced)
            if not purchases:
                return
            many = max(many, len(purchases))
            repeated = [purchase.call for purchase in purchases if purchase.call in self.facts.told]
            # An answer that left its question open would be bought for ever.
            assert not repeated, f"answered, and asked again: {repeated}"
            await self._fetch(purchases)

    async def _asked(self, ask: Callable[[], Questions]) -> Questions:
        """What `ask` finds open. It reads what is remembered: where that is much, others have turns."""
        while True:
            self.recollection.begin_step()
            try:
                return ask()
            except MoreToRead:
                pass
            finally:
                self.recollection.end_step()
            await self.share.take(SLICE)

    async def _fetch(self, purchases: Sequence[Purchase]) -> None:
        """All at once. Reserved in the order of the answer, so that what comes first in it is bought first.

        Where more must be leased, those that follow are left to the next plan: meanwhile others may have bought them.
        Where there are many, others have turns; what is known by then is left out.
        """
        start = self.market.clock.monotonic() - self._begun
        steps: list[tuple[Purchase, Step]] = []
        for at, purchase in enumerate(purchases):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * CALL)
            if at >= AT_ONCE and self.facts.answer(purchase.call) is not None:
                continue
            step = await self._begun_or_leased(purchases[at:])
            if step is None:
                break
            steps.append((purchase, step))
        for at, (purchase, step) in enumerate(steps):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * ANSWER)
            if isinstance(step, GatewayError):
                self._refuse(purchase, step, start)
            else:
                call, source, landing = step
                bought = purchase if call is purchase.call else replace(purchase, call=call)
                self._take(bought, source, await landing, start)

    async def _begun_or_leased(self, purchases: Sequence[Purchase]) -> Step | None:
        """The first of them, begun; None where more had to be leased, which then was done for all of them."""
        try:
            return self._begin(purchases[0])
        except LeaseNeeded:
            try:
                await self.purse.lease(purchases[0].price, sum(purchase.price for purchase in purchases))
            except LedgerUnavailable as problem:
                return problem
        return None

    def _begin(self, purchase: Purchase) -> Step:
        """Raises LeaseNeeded."""
        flights = self.market.flights
        shared = next((call for call in _answering(purchase.call) if call in flights), None)
        if shared is not None:
            return shared, Source.SHARED, flights.join(shared)
        try:
            reservation = self.purse.reserve(purchase.price)
        except (Refused, InsufficientFunds) as problem:
            return problem
        flights.start(purchase.call, self._fly(purchase.call, reservation))
        return purchase.call, Source.BOUGHT, flights.join(purchase.call)

    async def _fly(self, call: Call, reservation: Reservation) -> ReadOutcome:
        """Runs to its end, whoever is still waiting: what was paid for is remembered."""
        market, charged = self.market, reservation.price
        begun = market.memory.version
        try:
            outcome = await market.api.fetch(call)
            charged = outcome.charged
        finally:
            reservation.settle(charged, endpoint=call.endpoint.label)
        if not outcome.in_doubt:
            market.prices.note(call, charged)
        if isinstance(outcome.problem, InsufficientFunds):
            self.purse.account.note_empty()
        market.memory.keep(outcome, begun=begun)
        return outcome

    def _take(self, purchase: Purchase, source: Source, outcome: ReadOutcome, start: float) -> None:
        unforced = self.forced and purchase.call.endpoint.is_tray and not purchase.call.forced
        if unforced and isinstance(outcome.problem, PrivateAccount):
            return  # who may force was refused along with somebody who may not, and asks again
        charged = outcome.charged if source is Source.BOUGHT else 0
        if isinstance(outcome.problem, InsufficientFunds):
            source = Source.REFUSED  # whoever made the call: nothing was bought, and nothing saved by sharing it
        line = BilledCall(purchase, source, charged, start, outcome.seconds, problem=outcome.problem)
        if isinstance(outcome.problem, UpstreamError):
            self._make_do(line, outcome.problem)
        else:
            self.bill.add(line)
            self.recollection.note(outcome)
            self.facts.tell(purchase.call, outcome.answer)

    def _refuse(self, purchase: Purchase, problem: Refused | InsufficientFunds, start: float) -> None:
        line = BilledCall(purchase, Source.REFUSED, start=start, problem=problem)
        if isinstance(problem, InsufficientFunds):
            self._make_do(line, problem)
        else:
            self.bill.add(line)
            self.facts.tell(purchase.call, problem)

    def _make_do(self, line: BilledCall, problem: UpstreamError) -> None:
        """The upstream failed: a stale entry is better than nothing, and is marked as what it is."""
        call = line.purchase.call
        stale = self.recollection.stale(call)
        if stale is None:
            self.bill.add(line)
            self.facts.tell(call, problem)
            return
        self.bill.add(replace(line, source=Source.STALE, age=stale.age))
        if isinstance(stale.value, UserSummary) and not isinstance(stale.value, Profile):
            # No profile: the question for the rest of it has this answer.
            self.facts.tell(Call(Endpoint.PROFILE, stale.value.id), problem)
        self.facts.tell(call, stale.value)
        self.market.hook(StaleServed(call.endpoint.label, stale.age))


def _answering(call: Call) -> tuple[Call, ...]:
    """Calls whose answer serves: a forced operation may share an unforced call, not the other way round."""
    return (Call(call.endpoint, call.key), call) if call.forced else (call,)

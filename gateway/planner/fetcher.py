"""The fetcher: it reserves the price of a call, makes the call, settles and caches. One call in flight per answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.billing.bill import BilledCall, BillingRecord, Source
from gateway.billing.budget import OperationBudget, Reservation
from gateway.billing.leases import LeaseNeeded
from gateway.billing.prices import Prices, Purchase
from gateway.cache.entity_cache import EntityCache
from gateway.cache.operation_view import MoreToRead, OperationView
from gateway.cache.response_cache import Dependencies
from gateway.cache.single_flight import SingleFlight
from gateway.clock import Clock
from gateway.domain.ids import UserId
from gateway.domain.users import Profile, UserSummary
from gateway.errors import (
    GatewayError,
    InsufficientFunds,
    LedgerUnavailable,
    PrivateAccount,
    Refused,
    UpstreamError,
)
from gateway.events import Hook, StaleServed
from gateway.planner.estimator import MANY, Pricer, total
from gateway.planner.plan import plan
from gateway.planner.requirements import Questions, Requirement, open_requirements, unmet
from gateway.planner.resolved_data import OperationData
from gateway.planner.selection import Selection
from gateway.planner.simulated_data import EXPECTED, LOWER, SimulatedData
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.reads.port import ReadApi, ReadOutcome
from gateway.scheduling import SLICE, FairScheduler

# Calls started, and answers applied, between two turns of other operations.
AT_ONCE = 20
# The work units of a call (sent, received, decoded and cached), and of applying an answer.
CALL = 30
ANSWER = 5

Step: TypeAlias = tuple[Call, Source, Awaitable[ReadOutcome]] | Refused | InsufficientFunds


@dataclass(frozen=True, slots=True)
class UpstreamServices:
    """The services that all operations share: the read API, its prices, the cache and the calls in flight."""

    api: ReadApi
    memory: EntityCache
    prices: Prices
    flights: SingleFlight[Call, ReadOutcome]
    clock: Clock
    hook: Hook
    scheduler: FairScheduler = field(default_factory=FairScheduler)


class Fetcher:
    """The purchases of one operation, within its budget. `facts` holds the data so far, `bill` the calls.

    Calls in `anew` are bought although their answers are cached, and the cached answers stay until newer ones replace
    them.
    """

    def __init__(
        self, services: UpstreamServices, budget: OperationBudget, *, forced: bool, anew: frozenset[Call] = frozenset()
    ) -> None:
        self.services = services
        self.budget = budget
        self.forced = forced
        self.share = services.scheduler.share()
        self.view = OperationView(services.memory, forced=forced, anew=anew)
        self.facts = OperationData(self.view)
        self.bill = BillingRecord()
        self.pricer = Pricer(services.prices, forced=forced)
        self._roots: list[Selection] = []
        self._cold_cost: int | None = None
        self._started_at = services.clock.monotonic()

    async def prepare(self, roots: Sequence[Selection]) -> None:
        """Buy everything that the operation can be seen to need.

        Raise BudgetExceeded, AllowanceExceeded or InsufficientFunds, before anything is spent, if not even the lowest
        price is covered. A call that does not fit later is an error in its place. May be called again, for selections
        that only the operation's effects have revealed.
        """
        missing = await self._open_requirements(lambda: open_requirements(roots, self.facts))
        if missing:
            await self._admit(roots, missing)
        self._roots += roots  # a refused operation saved nothing
        self._cold_cost = None
        if missing:
            await self._buy(lambda: open_requirements(roots, self.facts), len(missing))

    async def _admit(self, roots: Sequence[Selection], asked: Questions) -> None:
        """Check the budget: first against the price of the first calls, before the rest is simulated."""
        least = self.pricer.least(asked, self.facts)
        self.bill.expected += least
        self.budget.admit(least)
        scenarios = [SimulatedData(self.facts, scenario, recalls=True) for scenario in (LOWER, EXPECTED)]
        lower, expected = [await self.pricer.total_in_steps(roots, scenario, self.share.take) for scenario in scenarios]
        self.bill.expected += expected - least
        self.budget.admit(lower)

    async def answer(self, wanted: Iterable[Requirement]) -> None:
        """Buy requirements that could not be foreseen: afterwards `facts` has a value or an error for each of them."""
        wanted = tuple(wanted)
        self._cold_cost = None
        await self._buy(lambda: unmet(wanted, self.facts), len(wanted))

    def provenance(self) -> Dependencies | None:
        """Return the entries that the operation's response depends on; None for a response that must not be cached."""
        return None if self.bill.stale else self.view.provenance()

    async def appraise(self) -> None:
        """Compute `worth` ahead, and yield the event loop between steps."""
        if self.view.recalls:
            cold = SimulatedData(self.facts, EXPECTED, recalls=False)
            self._cold_cost = await self.pricer.total_in_steps(self._roots, cold, self.share.take)

    @property
    def worth(self) -> int:
        """The price of the operation with an empty cache. To be read once all its data is known.

        If no fact was served from the cache, the price is that of its calls, without simulation.
        """
        if not self.view.recalls:
            return self.bill.nominal
        if self._cold_cost is None:
            self._cold_cost = total(self.pricer.cold(self._roots, self.facts))
        return self._cold_cost

    def saved_by_cache(self) -> int:
        """Return `worth` less the price of the operation's calls, charged or shared."""
        return max(0, self.worth - self.bill.nominal)

    async def _buy(self, ask: Callable[[], Questions], many: int) -> None:
        """Buy until no requirement is open. `many` is roughly the number of requirements at first.

        There is no await between collecting and planning, so that a plan covers exactly the unknown facts.
        """
        while True:
            if many > MANY:
                await self.share.take(2 * many)
            purchases = plan(await self._open_requirements(ask), self.facts, self.services.prices, forced=self.forced)
            if not purchases:
                return
            many = max(many, len(purchases))
            repeated = [purchase.call for purchase in purchases if purchase.call in self.facts.told]
            # An answer that leaves its requirement open would be bought for ever.
            assert not repeated, f"answered, and asked again: {repeated}"
            await self._fetch(purchases)

    async def _open_requirements(self, ask: Callable[[], Questions]) -> Questions:
        """Return the open requirements of `ask`. Where it decodes many cached entries, other operations have turns."""
        while True:
            self.view.begin_step()
            try:
                return ask()
            except MoreToRead:
                pass
            finally:
                self.view.end_step()
            await self.share.take(SLICE)

    async def _fetch(self, purchases: Sequence[Purchase]) -> None:
        """Make all the calls concurrently, reserved in response order, so that the first ones in it are bought first.

        Where more must be leased, the calls that follow are left to the next plan: meanwhile other operations may have
        bought them. Where there are many, other operations have turns; calls that are known by then are left out.
        """
        start = self.services.clock.monotonic() - self._started_at
        steps: list[tuple[Purchase, Step]] = []
        for at, purchase in enumerate(purchases):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * CALL)
            if at >= AT_ONCE and self.facts.fact(purchase.call.endpoint.answers, purchase.call.about) is not None:
                continue
            step = await self._start_or_lease(purchases[at:])
            if step is None:
                break
            steps.append((purchase, step))
        for at, (purchase, step) in enumerate(steps):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * ANSWER)
            if isinstance(step, GatewayError):
                self._refuse(purchase, step, start)
            else:
                call, source, pending = step
                bought = purchase if call is purchase.call else replace(purchase, call=call)
                self._apply(bought, source, await pending, start)

    async def _start_or_lease(self, purchases: Sequence[Purchase]) -> Step | None:
        """Start the first purchase; or, where more had to be leased, lease for all of them and return None."""
        try:
            return self._start(purchases[0])
        except LeaseNeeded:
            try:
                await self.budget.lease(purchases[0].price, sum(purchase.price for purchase in purchases))
            except LedgerUnavailable as problem:
                return problem
        return None

    def _start(self, purchase: Purchase) -> Step:
        """Join the call in flight, or reserve and start it; return the refusal otherwise. Raise LeaseNeeded."""
        flights = self.services.flights
        shared = next((call for call in _sharable_calls(purchase.call) if call in flights), None)
        if shared is not None:
            return shared, Source.SHARED, flights.join(shared)
        try:
            reservation = self.budget.reserve(purchase.price)
        except (Refused, InsufficientFunds) as problem:
            return problem
        flights.start(purchase.call, self._execute(purchase.call, reservation))
        return purchase.call, Source.BOUGHT, flights.join(purchase.call)

    async def _execute(self, call: Call, reservation: Reservation) -> ReadOutcome:
        """Make the call. It runs to its end even if no operation waits for it any more: a paid answer is cached."""
        services, charged = self.services, reservation.price
        begun = services.memory.version
        try:
            outcome = await services.api.fetch(call)
            charged = outcome.charged
        finally:
            reservation.settle(charged, endpoint=call.endpoint.label)
        if not outcome.in_doubt:
            services.prices.note(call, charged)
        if isinstance(outcome.problem, InsufficientFunds):
            self.budget.account.note_empty()
        services.memory.keep(outcome, begun=begun)
        return outcome

    def _apply(self, purchase: Purchase, source: Source, outcome: ReadOutcome, start: float) -> None:
        unforced = self.forced and purchase.call.endpoint.forced_price is not None and not purchase.call.forced
        if unforced and isinstance(outcome.problem, PrivateAccount):
            return  # the shared call was refused for want of the right to force, so this operation calls again
        charged = outcome.charged if source is Source.BOUGHT else 0
        if isinstance(outcome.problem, InsufficientFunds):
            source = Source.REFUSED  # in any case nothing was bought, and nothing saved by sharing it
        line = BilledCall(purchase, source, charged, start, outcome.seconds, problem=outcome.problem)
        if isinstance(outcome.problem, UpstreamError):
            self._serve_stale(line, outcome.problem)
        else:
            self.bill.add(line)
            self.view.note(outcome)
            self.facts.tell(purchase.call, outcome.answer)

    def _refuse(self, purchase: Purchase, problem: Refused | InsufficientFunds, start: float) -> None:
        line = BilledCall(purchase, Source.REFUSED, start=start, problem=problem)
        if isinstance(problem, InsufficientFunds):
            self._serve_stale(line, problem)
        else:
            self.bill.add(line)
            self.facts.tell(purchase.call, problem)

    def _serve_stale(self, line: BilledCall, problem: UpstreamError) -> None:
        """Record a failed call. A stale entry is preferred to the error, and is billed as stale."""
        call = line.purchase.call
        stale = self.view.stale(call)
        if stale is None:
            self.bill.add(line)
            self.facts.tell(call, problem)
            return
        self.bill.add(replace(line, source=Source.STALE, age=stale.age))
        if isinstance(stale.value, UserSummary) and not isinstance(stale.value, Profile):
            # There is no profile: the requirement of its other fields is met by the error.
            self.facts.fail(FactKind.PROFILE, UserId(stale.value.id), problem)
        self.facts.tell(call, stale.value)
        self.services.hook(StaleServed(call.endpoint.label, stale.age))


def _sharable_calls(call: Call) -> tuple[Call, ...]:
    """Return the calls with a suitable answer: a forced operation may share an unforced call, but not the reverse."""
    return (Call(call.endpoint, call.key), call) if call.forced else (call,)

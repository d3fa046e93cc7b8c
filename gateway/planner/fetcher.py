"""The fetcher: it buys what an operation requires, plan by plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gateway.billing.bill import BillingRecord
from gateway.billing.budget import OperationBudget
from gateway.billing.prices import Purchase
from gateway.cache.operation_view import MoreToRead, OperationView
from gateway.cache.response_cache import Dependencies
from gateway.errors import GatewayError
from gateway.planner.call_results import CallResults
from gateway.planner.call_spans import CallSpans, TracedBill
from gateway.planner.estimator import MANY, Pricer, total
from gateway.planner.plan import plan
from gateway.planner.purchasing import Purchasing, Step
from gateway.planner.requirement_collector import open_requirements
from gateway.planner.requirements import Questions, Requirement, unmet
from gateway.planner.resolved_data import OperationData
from gateway.planner.selection import ListPart, Selection, counted_alone
from gateway.planner.simulated_data import EXPECTED, LOWER, SimulatedData
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.endpoints import Call
from gateway.scheduling import SLICE

# Calls started, and answers applied, between two turns of other operations.
AT_ONCE = 20
# The work units of a call (sent, received, decoded and cached), and of applying an answer.
CALL = 30
ANSWER = 5


class Fetcher:
    """The purchases of one operation, within its budget. `facts` holds the data so far, `bill` the calls.

    Calls in `anew` are bought although their answers are cached, and the cached answers stay until newer ones replace
    them. `spans` are those of the calls, if the operation is traced.
    """

    def __init__(
        self,
        services: UpstreamServices,
        budget: OperationBudget,
        *,
        forced: bool,
        anew: frozenset[Call] = frozenset(),
        spans: CallSpans | None = None,
    ) -> None:
        self.services = services
        self.budget = budget
        self.forced = forced
        self.share = services.scheduler.share()
        self.view = OperationView(services.memory, forced=forced, anew=anew)
        self.facts = OperationData(self.view, services.paging)
        self.bill = BillingRecord() if spans is None else TracedBill(spans)
        self.pricer = Pricer(services.prices, forced=forced)
        self._purchasing = Purchasing(services, budget, spans, anew=anew)
        self._looked_up = set(anew)
        self._results = CallResults(self.view, self.facts, self.bill, services.hook, forced=forced)
        self._roots: list[Selection] = []
        self._counted: frozenset[ListPart] = frozenset()
        self._cold_cost: int | None = None
        self._started_at = services.clock.monotonic()
        self.lacks_shared_cache = False
        """True once the cache that instances share was needed and could not be used."""

    async def prepare(self, roots: Sequence[Selection]) -> None:
        """Buy everything that the operation can be seen to need.

        Raise BudgetExceeded, AllowanceExceeded or InsufficientFunds, before anything is spent, if not even the lowest
        price is covered. A call that does not fit later is an error in its place. May be called again, for selections
        that only the operation's effects have revealed.
        """
        self.view.counts_lookups |= bool(roots)
        missing = await self._open_requirements(lambda: open_requirements(roots, self.facts))
        if missing and self.services.shared is not None:  # a refusal must be right about what has to be bought
            await self._plan(lambda: open_requirements(roots, self.facts))
            missing = await self._open_requirements(lambda: open_requirements(roots, self.facts))
        if missing:
            await self._admit(roots, missing)
        self._roots += roots  # a refused operation saved nothing
        self._counted = counted_alone(self._roots)
        self._cold_cost = None
        if missing:
            await self._buy(lambda: open_requirements(roots, self.facts), len(missing))

    async def _admit(self, roots: Sequence[Selection], missing: Questions) -> None:
        """Check the budget: first against the price of the first calls, before the rest is simulated."""
        least = self.pricer.least(missing, self.facts)
        self.bill.expected += least
        await self.budget.allowance.learn()
        self.budget.admit(least)
        scenarios = [SimulatedData(self.facts, scenario, recalls=True) for scenario in (LOWER, EXPECTED)]
        lower, expected = [await self.pricer.total_in_steps(roots, scenario, self.share.take) for scenario in scenarios]
        self.bill.expected += expected - least
        self.budget.admit(lower)

    async def answer(self, wanted: Iterable[Requirement]) -> None:
        """Buy requirements that could not be foreseen: afterwards `facts` has a value or an error for each of them."""
        wanted = tuple(wanted)
        self.view.counts_lookups = True
        self._cold_cost = None
        await self._buy(lambda: unmet(wanted, self.facts), len(wanted))

    def needs_no_page(self, part: ListPart) -> bool:
        """Return whether nothing but the length of the list is selected where this part of it is requested."""
        return part in self._counted

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
            purchases = await self._plan(ask)
            if not purchases:
                return
            many = max(many, len(purchases))
            repeated = [purchase.call for purchase in purchases if purchase.call in self.facts.answered]
            # An answer that leaves its requirement open would be bought for ever.
            assert not repeated, f"answered, and bought again: {repeated}"
            await self._fetch(purchases)

    async def _plan(self, ask: Callable[[], Questions]) -> Sequence[Purchase]:
        """Return the next calls. Those whose answers other instances have bought are not among them.

        What is unknown may change while the shared cache is asked, so the plan is made again then.
        """
        while True:
            purchases = plan(await self._open_requirements(ask), self.facts, self.services.prices, forced=self.forced)
            if not await self._recall(purchases):
                return purchases

    async def _recall(self, purchases: Sequence[Purchase]) -> bool:
        """Ask the shared cache for the calls that it was not asked for yet. Return whether there were any."""
        shared, flights = self.services.shared, self.services.flights
        if shared is None:
            return False
        calls = [one.call for one in purchases if one.call not in self._looked_up and one.call not in flights]
        self._looked_up.update(calls)
        if calls and not await shared.recall(calls, self.share.take):
            self.lacks_shared_cache = True
        return bool(calls)

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
        If the operation is cancelled, the calls that are not sent yet are not made.
        """
        start = self.services.clock.monotonic() - self._started_at
        steps: list[tuple[Purchase, Step]] = []
        try:
            await self._start(purchases, steps)
            await self._apply(steps, start)
        except BaseException:
            self._purchasing.abandon(step for _, step in steps)
            raise

    async def _start(self, purchases: Sequence[Purchase], steps: list[tuple[Purchase, Step]]) -> None:
        """Start the calls, and append each to `steps`."""
        for at, purchase in enumerate(purchases):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * CALL)
            if at >= AT_ONCE and self.facts.fact(purchase.call.endpoint.answers, purchase.call.about) is not None:
                continue
            step = await self._purchasing.start(purchases[at:])
            if step is None:
                break
            steps.append((purchase, step))

    async def _apply(self, steps: Sequence[tuple[Purchase, Step]], start: float) -> None:
        """Apply the outcomes, as they stand in `steps`."""
        for at, (purchase, step) in enumerate(steps):
            if at and at % AT_ONCE == 0:
                await self.share.take(AT_ONCE * ANSWER)
            if isinstance(step, GatewayError):
                self._results.refuse(purchase, step, start)
            else:
                call, source, pending = step
                bought = purchase if call is purchase.call else replace(purchase, call=call)
                self._results.apply(bought, source, await pending, start)

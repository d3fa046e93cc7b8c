"""The price of an operation before it runs: the plan, with simulated answers.

Where a later call depends on an earlier answer that is not known, the price has bounds: each scenario sets the length
of an unknown list and whether accounts requested in different ways turn out to be the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

from gateway.billing.prices import Prices, Purchase
from gateway.planner.plan import plan
from gateway.planner.requirement_collector import open_requirements
from gateway.planner.requirements import Questions
from gateway.planner.resolved_data import OperationData
from gateway.planner.selection import Selection
from gateway.planner.simulated_data import EXPECTED, LOWER, UPPER, SimulatedData
from gateway.reads.facts import united

# Calls. Simulating this many takes some milliseconds.
MANY = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of an operation, in billed requests.

    `purchases` are those expected now, `cold` those with an empty cache.
    """

    lower: int
    upper: int
    purchases: tuple[Purchase, ...]
    cold: tuple[Purchase, ...]

    @classmethod
    def of(cls, *scenarios: tuple[Purchase, ...]) -> Self:
        """Combine the purchases of the scenarios: upper bound, expected, empty cache, lower bound."""
        upper, expected, cold, lower = scenarios
        return cls(total(lower), total(upper), expected, cold)

    @property
    def expected(self) -> int:
        return total(self.purchases)

    @property
    def saved_by_cache(self) -> int:
        return max(0, total(self.cold) - self.expected)


class Pricer:
    """The pricing of operations for one client, with or without its right to force."""

    def __init__(self, prices: Prices, *, forced: bool) -> None:
        self._prices = prices
        self._forced = forced

    def estimate(self, roots: Sequence[Selection], known: OperationData) -> Estimate:
        """Return the bounds and the expected price."""
        return Estimate.of(*(self._buy(roots, scenario) for scenario in self._scenarios(roots, known)))

    async def estimate_in_steps(
        self, roots: Sequence[Selection], known: OperationData, take: Callable[[int], Awaitable[None]]
    ) -> Estimate:
        """Return the estimate as `estimate` does, and yield the event loop between steps.

        `take` is awaited before each step with the work of that step. Facts learned meanwhile make the rest cheaper.
        """
        plans = []
        for scenario in self._scenarios(roots, known):
            bought: list[Purchase] = []
            for purchases, ahead in self._steps(roots, scenario):
                bought += purchases
                await take(ahead)
            plans.append(tuple(bought))
        return Estimate.of(*plans)

    def _scenarios(self, roots: Sequence[Selection], known: OperationData) -> Iterator[SimulatedData]:
        """Yield the scenarios, the most expensive first."""
        deeper = united(root.deeper_anywhere for root in roots)
        yield SimulatedData(known, UPPER, recalls=True, deeper=deeper)
        yield SimulatedData(known, EXPECTED, recalls=True)
        yield SimulatedData(known, EXPECTED, recalls=False)
        yield SimulatedData(known, LOWER, recalls=True)

    def least(self, requirements: Questions, known: OperationData) -> int:
        """Return the price of the first calls, without simulation. It is the same in every scenario: none is cheaper.

        `requirements` are the open requirements of the operation, given `known`.
        """
        return total(plan(requirements, known, self._prices, forced=self._forced))

    async def total_in_steps(
        self, roots: Sequence[Selection], simulated: SimulatedData, take: Callable[[int], Awaitable[None]]
    ) -> int:
        """Return the price of the simulated purchases, and yield the event loop between steps.

        `take` is awaited before each long step, and not before short ones: each additional turn of the event loop waits
        in the loop's queue once more.
        """
        price = 0
        for purchases, ahead in self._steps(roots, simulated):
            price += total(purchases)
            if ahead > MANY:
                await take(ahead)
        return price

    def cold(self, roots: Sequence[Selection], known: OperationData) -> tuple[Purchase, ...]:
        """Return the purchases that would be necessary without any of the answers that `known` holds."""
        return self._buy(roots, SimulatedData(known, EXPECTED, recalls=False))

    def _buy(self, roots: Sequence[Selection], simulated: SimulatedData) -> tuple[Purchase, ...]:
        return tuple(chain.from_iterable(purchases for purchases, _ in self._steps(roots, simulated)))

    def _steps(
        self, roots: Sequence[Selection], simulated: SimulatedData
    ) -> Iterator[tuple[tuple[Purchase, ...], int]]:
        """Yield purchases and the work of the next step: planning, simulating answers, collecting requirements."""
        while requirements := open_requirements(roots, simulated):
            yield (), len(requirements)
            purchases = plan(requirements, simulated, self._prices, forced=self._forced)
            yield purchases, len(purchases)
            for purchase in purchases:
                simulated.assume(purchase, in_trays=self._prices.endpoints.trays_have_items)
            yield (), len(requirements)


def total(purchases: Sequence[Purchase]) -> int:
    return sum(purchase.total for purchase in purchases)

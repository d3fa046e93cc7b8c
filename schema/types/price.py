"""The price of an operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

import strawberry

from gateway.billing.prices import Purchase
from gateway.planner.estimator import Estimate


@strawberry.type(description="Calls to one endpoint of the upstream.")
class PricedCalls:
    endpoint: str = strawberry.field(description="Which one.")
    count: int = strawberry.field(description="How many calls are expected.")
    unit: int = strawberry.field(description="Billed requests for each.")
    total: int = strawberry.field(description="Billed requests for all.")
    cached: int = strawberry.field(description="How many more would be needed with an empty cache.")


@strawberry.type(description="What a place in the answer costs.")
class PricedField:
    path: str = strawberry.field(description="Response keys joined by dots, without list indices.")
    total: int = strawberry.field(description="Billed requests for what is first needed here.")


@strawberry.type(description="What an operation would cost now, in billed requests of the upstream.")
class Price:
    lower: int = strawberry.field(description="At least, if unknown lists are empty and whatever can be shared is.")
    upper: int = strawberry.field(description="At most, if unknown lists are full and nothing can be shared.")
    expected: int = strawberry.field(description="For trays and highlights of ordinary size, where theirs is unknown.")
    calls: list[PricedCalls] = strawberry.field(description="The expected calls by endpoint.")
    fields: list[PricedField] = strawberry.field(description="The expected price by place in the answer.")
    saved_by_cache: int = strawberry.field(description="What it would cost more with an empty cache.")
    within_budget: bool = strawberry.field(
        description="Whether its upper bound fits into the operation's budget and the client's allowance."
    )

    @classmethod
    def of(cls, estimate: Estimate, *, within_budget: bool) -> Self:
        paths: Counter[str] = Counter()
        for purchase in estimate.purchases:
            paths[purchase.path] += purchase.total
        return cls(
            lower=estimate.lower,
            upper=estimate.upper,
            expected=estimate.expected,
            calls=_calls(estimate),
            fields=[PricedField(path=path, total=total) for path, total in paths.items()],
            saved_by_cache=estimate.saved_by_cache,
            within_budget=within_budget,
        )


def _calls(estimate: Estimate) -> list[PricedCalls]:
    now, cold = _count(estimate.purchases), _count(estimate.cold)
    return [
        PricedCalls(
            endpoint=endpoint,
            count=now[endpoint, unit],
            unit=unit,
            total=now[endpoint, unit] * unit,
            cached=max(0, cold[endpoint, unit] - now[endpoint, unit]),
        )
        for endpoint, unit in sorted(now.keys() | cold.keys())
    ]


def _count(purchases: Iterable[Purchase]) -> Counter[tuple[str, int]]:
    """Return the number of calls by endpoint and price."""
    counts: Counter[tuple[str, int]] = Counter()
    for purchase in purchases:
        counts[purchase.call.endpoint.label, purchase.price] += purchase.times
    return counts

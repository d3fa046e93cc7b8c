"""The price of an operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

import strawberry

from gateway.billing.prices import Purchase
from gateway.planner.estimator import Estimate


@strawberry.type(description="The expected requests to one endpoint of the upstream.")
class PricedCalls:
    endpoint: str = strawberry.field(description="Path of the endpoint.")
    count: int = strawberry.field(description="Expected number of requests.")
    unit: int = strawberry.field(description="Price of each request, in billed requests.")
    total: int = strawberry.field(description="Price of all these requests, in billed requests.")
    cached: int = strawberry.field(description="Number of further requests that the cache saves.")


@strawberry.type(description="The expected price of one path in the response.")
class PricedField:
    path: str = strawberry.field(description="Response keys joined by dots, without list indices.")
    total: int = strawberry.field(
        description="Price of the data that this path is the first to need, in billed requests."
    )


@strawberry.type(description="The price of an operation if it ran now, in billed requests of the upstream.")
class Price:
    lower: int = strawberry.field(
        description="Lower bound: unknown lists are empty, and every request that can be shared is shared."
    )
    upper: int = strawberry.field(description="Upper bound: unknown lists are full, and no request is shared.")
    expected: int = strawberry.field(description="Estimate: trays and highlights of unknown size have a typical size.")
    calls: list[PricedCalls] = strawberry.field(description="The expected requests by endpoint.")
    fields: list[PricedField] = strawberry.field(description="The expected price by path in the response.")
    saved_by_cache: int = strawberry.field(description="How much more the operation would cost with an empty cache.")
    within_budget: bool = strawberry.field(
        description="True if the upper bound is within the operation's budget and the client's allowance."
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

"""The `price` command: the price of an operation before it runs, from a running gateway or for an empty cache."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.commands.base import UsageError
from gateway.commands.gateway_client import GatewayClient
from gateway.commands.table import aligned


class Calls(msgspec.Struct):
    endpoint: str
    count: int
    unit: int
    total: int
    cached: int


class PricedPath(msgspec.Struct):
    path: str
    total: int


class PriceAnswer(msgspec.Struct, rename="camel"):
    """A price in billed requests, as the GraphQL API returns it. `within_budget` is None without a client's budget."""

    lower: int
    upper: int
    expected: int
    saved_by_cache: int
    within_budget: bool | None
    calls: list[Calls]
    fields: list[PricedPath]


def price(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the price. Raise InvalidInput for a document that cannot be executed."""
    document = _read(arguments.file)
    if arguments.url is None:
        found = _price_offline(document, arguments.variables, arguments.operation)
    else:
        requested = {"document": document, "variables": arguments.variables, "operationName": arguments.operation}
        found = msgspec.convert(GatewayClient.of(arguments, environ).data("price", requested)["price"], PriceAnswer)
    print(as_text(found), end="")
    return 0


def as_text(price: PriceAnswer) -> str:
    """Return a table by endpoint, a table by path in the response, and the bounds."""
    calls = [(one.endpoint, *map(str, (one.count, one.unit, one.total, one.cached))) for one in price.calls]
    places = [(place.path, str(place.total)) for place in price.fields]
    tables = [
        aligned([("endpoint", "calls", "price", "total", "cached"), *calls], numbers_from=1),
        aligned([("wanted first at", "total"), *places], numbers_from=1),
    ]
    return "\n".join([*(tables if calls else []), _bounds(price)])


def _bounds(price: PriceAnswer) -> str:
    budget = {True: "It is within the budget.\n", False: "It may exceed the budget.\n", None: ""}
    return (
        f"Billed requests: {price.expected} expected, {price.lower} at least, {price.upper} at most; "
        f"the cache saves {price.saved_by_cache}.\n{budget[price.within_budget]}"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8.") from error


def _price_offline(document: str, variables: dict[str, Any] | None, operation: str | None) -> PriceAnswer:
    """Return the price for an empty cache and the upstream's list prices, without any request."""
    from gateway.billing.prices import Prices
    from gateway.clock import SystemClock
    from gateway.operations.documents import DocumentCache, quote
    from gateway.planner.estimator import Pricer
    from gateway.planner.list_slices import Paging
    from gateway.planner.resolved_data import EmptyDataSource, OperationData
    from gateway.reads.cursors import ListCursors
    from gateway.settings import Settings
    from gateway.upstream.hikerapi.endpoints import ENDPOINTS
    from schema.build import build_schema
    from schema.types import price as graph

    pricer = Pricer(Prices(ENDPOINTS, SystemClock()), forced=False)
    facts = OperationData(EmptyDataSource(), Paging(ListCursors(b""), Settings().max_pages))
    estimate = quote(build_schema().core, DocumentCache(), pricer, facts, document, variables, operation)
    found = msgspec.convert(graph.Price.of(estimate, within_budget=True), PriceAnswer, from_attributes=True)
    return msgspec.structs.replace(found, within_budget=None)

"""The `price` command: the price of an operation before it runs, from a running gateway or for an empty cache."""

from __future__ import annotations

import argparse
import getpass
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from gateway.commands.base import KEY_VARIABLE, CommandError, UsageError
from gateway.commands.table import aligned
from gateway.console import OPERATIONS
from gateway.domain.proxies import Proxies

EXAMPLE = "http://127.0.0.1:8000/graphql"
TIMEOUT_SECONDS = 30.0
LARGEST = 8 * 2**20  # bytes of a response
# A document that every gateway trusts; it would not trust another text.
QUERY = OPERATIONS / "price.graphql"


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
        key = _key(environ, asks=arguments.ask_key)
        requested = {"document": document, "variables": arguments.variables, "operationName": arguments.operation}
        found = _price_from_gateway(requested, arguments.url, key, Proxies.read(environ))
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


def _key(environ: Mapping[str, str], *, asks: bool) -> str | None:
    """Return the key, or None.

    Raise UsageError. A key is never an argument: all users of the machine can read arguments.
    """
    if not asks:
        return environ.get(KEY_VARIABLE) or None
    try:
        return getpass.getpass("Key: ") or None
    except EOFError as error:
        raise UsageError(f"There is no terminal to enter the key: set {KEY_VARIABLE}.") from error


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


def _price_from_gateway(requested: Mapping[str, Any], url: str, key: str | None, proxies: Proxies) -> PriceAnswer:
    """Return the price from the gateway at `url` with its current cache. Raise ProxyUnusable."""
    endpoint = _endpoint(url)
    proxy = proxies.to(endpoint)
    # Compression is disabled, because a compressed body may expand beyond the limit.
    headers = {"accept-encoding": "identity"} | ({} if key is None else {"authorization": f"Bearer {key}"})
    request = {"query": QUERY.read_text(), "variables": requested}
    body = b""
    try:
        with httpx.stream(
            "POST",
            endpoint,
            json=request,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            proxy=None if proxy is None else proxy.url,
            verify=httpx.create_ssl_context(),
            trust_env=False,  # credentials for this host in ~/.netrc would replace the key
        ) as response:
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError("no price takes as much")
        answer = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"No answer from a gateway at {url}: {str(error).rstrip('.')}.") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The server at {url} is not a gateway.") from error
    return _price_in(answer, url)


def _endpoint(url: str) -> str:
    """Return the GraphQL URL. Accept the address that `serve` prints, also without path or scheme. Raise UsageError."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(f"--url must be the address that `serve` prints, like {EXAMPLE}, and is {url!r}.")
    path = parts.path.rstrip("/").removesuffix("/graphql").rstrip("/") + "/graphql"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _price_in(answer: Any, url: str) -> PriceAnswer:
    match answer:
        case {"errors": [{"message": str(message), "extensions": {"code": "BAD_USER_INPUT"}}, *_]}:
            raise UsageError(message)
        case {"errors": [{"message": str(message)}, *_]}:
            raise CommandError(message)
        case {"data": {"price": dict(price)}}:
            return msgspec.convert(price, PriceAnswer)
        case _:
            raise CommandError(f"The server at {url} is not a gateway: {json.dumps(answer)[:100]}")

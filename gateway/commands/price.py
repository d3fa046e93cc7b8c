"""`price`: what an operation would cost, before it runs: asked of a running gateway, or with an empty cache."""

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
LARGEST = 8 * 2**20  # bytes of an answer
# Trusted by every gateway, as a text of ours would not be.
QUERY = OPERATIONS / "price.graphql"


class Calls(msgspec.Struct):
    endpoint: str
    count: int
    unit: int
    total: int
    cached: int


class Place(msgspec.Struct):
    path: str
    total: int


class Price(msgspec.Struct, rename="camel"):
    """As the graph tells it, in billed requests. `within_budget` is None where there is nobody's budget to ask."""

    lower: int
    upper: int
    expected: int
    saved_by_cache: int
    within_budget: bool | None
    calls: list[Calls]
    fields: list[Place]


def price(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Raises InvalidInput for a document that could not be run."""
    document = _read(arguments.file)
    if arguments.url is None:
        found = _unasked(document, arguments.variables, arguments.operation)
    else:
        key = _key(environ, asks=arguments.ask_key)
        asked = {"document": document, "variables": arguments.variables, "operationName": arguments.operation}
        found = _asked(asked, arguments.url, key, Proxies.read(environ))
    print(as_text(found), end="")
    return 0


def as_text(price: Price) -> str:
    """A table by endpoint, a table by place in the answer, and the bounds."""
    calls = [(one.endpoint, *map(str, (one.count, one.unit, one.total, one.cached))) for one in price.calls]
    places = [(place.path, str(place.total)) for place in price.fields]
    tables = [
        aligned([("endpoint", "calls", "price", "total", "cached"), *calls], numbers_from=1),
        aligned([("wanted first at", "total"), *places], numbers_from=1),
    ]
    return "\n".join([*(tables if calls else []), _bounds(price)])


def _bounds(price: Price) -> str:
    budget = {True: "It fits into the budget.\n", False: "It may not fit into the budget.\n", None: ""}
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
    """Raises UsageError. A key is never an argument: everybody on the machine can read these."""
    if not asks:
        return environ.get(KEY_VARIABLE) or None
    try:
        return getpass.getpass("Key: ") or None
    except EOFError as error:
        raise UsageError(f"There is no terminal to ask for the key at: set {KEY_VARIABLE}.") from error


def _unasked(document: str, variables: dict[str, Any] | None, operation: str | None) -> Price:
    """With an empty cache and the upstream's own prices; nobody is asked."""
    from gateway.billing.prices import Prices
    from gateway.clock import SystemClock
    from gateway.operations.documents import DocumentCache, quote
    from gateway.planner.estimator import Pricer
    from gateway.planner.resolved_data import EmptyDataSource, OperationData
    from schema.build import build_schema
    from schema.types import price as graph

    pricer = Pricer(Prices(SystemClock()), forced=False)
    estimate = quote(
        build_schema().core, DocumentCache(), pricer, OperationData(EmptyDataSource()), document, variables, operation
    )
    found = msgspec.convert(graph.Price.of(estimate, within_budget=True), Price, from_attributes=True)
    return msgspec.structs.replace(found, within_budget=None)


def _asked(asked: Mapping[str, Any], url: str, key: str | None, proxies: Proxies) -> Price:
    """Of the gateway at `url`, with what its cache holds now. Raises ProxyUnusable."""
    endpoint = _endpoint(url)
    proxy = proxies.to(endpoint)
    # What is packed might unpack to more than is read.
    headers = {"accept-encoding": "identity"} | ({} if key is None else {"authorization": f"Bearer {key}"})
    request = {"query": QUERY.read_text(), "variables": asked}
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
            trust_env=False,  # a password for this host in ~/.netrc would take the key's place
        ) as response:
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError("no price takes as much")
        answer = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"No answer from a gateway at {url}: {str(error).rstrip('.')}.") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"What answers at {url} is no gateway.") from error
    return _price_in(answer, url)


def _endpoint(url: str) -> str:
    """As `serve` prints it, or without the path or the scheme. Raises UsageError."""
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


def _price_in(answer: Any, url: str) -> Price:
    match answer:
        case {"errors": [{"message": str(message), "extensions": {"code": "BAD_USER_INPUT"}}, *_]}:
            raise UsageError(message)
        case {"errors": [{"message": str(message)}, *_]}:
            raise CommandError(message)
        case {"data": {"price": dict(price)}}:
            return msgspec.convert(price, Price)
        case _:
            raise CommandError(f"What answers at {url} is no gateway: {json.dumps(answer)[:100]}")

"""Responses with one result: executed, or from the cache of responses, with the bill and the caching headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response

from gateway.cache.response_cache import Response as CachedResponse
from gateway.errors import LedgerUnavailable
from gateway.http import responses
from gateway.http.negotiation import Accepted, ResponseType
from gateway.http.transports import stream_formats
from gateway.http.transports.stream_formats import StreamFormat
from gateway.operations.billing import report_cached
from schema.context import Context

VARY = "Accept, Authorization, X-Api-Key"


def billing_headers(context: Context) -> dict[str, str]:
    """Return the bill as headers, because routers drop a subgraph's extensions. Incremental: up to the first part."""
    headers = {"x-billed-requests": str(context.fetcher.bill.charged)}
    try:
        remaining = context.fetcher.budget.allowance.remaining()
    except LedgerUnavailable:
        return headers
    return headers if remaining is None else {**headers, "x-billing-remaining": str(remaining)}


def cached_response(
    cached: CachedResponse, context: Context, request: Request, accepted: Accepted, life: float
) -> Response:
    """Return a cached response with up-to-date billing. It charges nothing."""
    headers = billing_headers(context) | caching_headers(cached, request, life)
    if cached.etag in request.headers.get("if-none-match", ""):
        return responses.not_modified(headers)
    extensions = report_cached(context.fetcher.budget, worth=cached.worth, explains=context.explains)
    return single_response(accepted, cached.data, (), extensions=extensions, headers=headers)


def single_response(accepted: Accepted, data: bytes | None, errors: Sequence[GraphQLError], **rest: Any) -> Response:
    response = responses.json_response(accepted.single or ResponseType.JSON, data, errors, **rest)
    return response if accepted.single else responses.as_single_event(response, _single_event_format(accepted))


def caching_headers(response: CachedResponse, request: Request, life: float) -> dict[str, str]:
    """Return the caching headers; none for POST, because HTTP caches store only GET."""
    if request.method == "POST":
        return {}
    return {"etag": response.etag, "cache-control": responses.cache_control(life), "vary": VARY}


def _single_event_format(accepted: Accepted) -> StreamFormat:
    """Return the stream format of a single response, for a client that accepts only streams."""
    if accepted.incremental is not None:
        return stream_formats.single(accepted.incremental)
    assert accepted.subscription is not None, "what reads nothing is refused before"
    return stream_formats.subscription(accepted.subscription)

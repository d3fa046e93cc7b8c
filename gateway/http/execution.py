"""Execution of an operation over HTTP: runs it and turns its result, or its stream of results, into a response."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.types import ExecutionResult

from gateway.cache.response_cache import Response
from gateway.errors import AnswerTooLarge, LedgerUnavailable, NotAcceptable
from gateway.http import responses, status_codes
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.exact_match_cache import replayable
from gateway.http.negotiation import Accepted, ResponseType
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest
from gateway.http.revocation import Standing, while_in_standing
from gateway.http.transports import stream_formats
from gateway.http.transports.incremental import in_form
from gateway.http.transports.operation_stream import (
    QUERY_OR_SUBSCRIPTION,
    READS,
    READS_AND_WRITES,
    OperationRunner,
    Payload,
    ResultStream,
    executed,
    payload,
)
from gateway.http.transports.stream_formats import StreamFormat
from gateway.http.transports.streaming_response import StreamingGraphQLResponse
from gateway.http.unsent import reader_in
from gateway.operations.billing import report_cached
from gateway.operations.extensions import as_graphql_error, format_error
from gateway.operations.incremental_delivery import is_subscription, parsed_early
from gateway.operations.response_cache import ResponseCache
from schema.context import Context

VARY = "Accept, Authorization, X-Api-Key"
SUBSCRIBED = (
    "A subscription needs a WebSocket (graphql-transport-ws), or Accept: text/event-stream or "
    "multipart/mixed;subscriptionSpec=1.0."
)


class OperationHandler:
    """The handler of operations. It caches their responses; subscriptions count in `places` and end with `standing`."""

    def __init__(
        self, operations: OperationRunner, cache: ResponseCache, places: ConnectionLimiter, standing: Standing
    ) -> None:
        self.operations = operations
        self.cache = cache
        self.places = places
        self.standing = standing

    async def __call__(self, params: GraphQLRequest, request: Request, accepted: Accepted) -> ASGIApp:
        operations, reader = self.operations, reader_in(request.scope)
        try:
            if reader is not None:
                await reader.room()
            context = operations.context(RequestOptions.of(request.headers, streams=accepted.incremental is not None))
            key = self._key(params, context)
            if key is not None and (cached := self.cache.responses.find(key)) is not None:
                operations.stored.remember(params.query or "", params.extensions)
                response = _cached_response(cached, context, request, accepted, self.cache.responses.life(cached))
                if accepted.single is None:
                    return response
                return replayable(response, cached, params, context, tells_life=request.method != "POST")
            text, documents = params.query or "", self.cache.documents
            if (early := await parsed_early(documents, text, context.fetcher.share)) is not None:
                context = replace(context, parsed=early)
            if is_subscription(documents, text, early, params.operation_name):
                return self._subscribed(params, context, accepted)
            if reader is not None:
                context = replace(context, room=reader.room)
            frames = await operations.start(params, context, READS_AND_WRITES if request.method == "POST" else READS)
            first = await anext(frames)
        except Exception as problem:  # also a bug in an event hook, which no extension masks
            error = format_error(as_graphql_error(problem), operations.hook)
            return responses.error_response(accepted.single or ResponseType.JSON, error)
        operations.stored.remember(params.query or "", params.extensions)
        if not isinstance(first, ExecutionResult):
            headers = responses.DEFAULT_HEADERS | billing_headers(context) | status_codes.headers(first.errors or ())
            return _incremental(accepted, self._payloads(first, frames, context), headers)
        await anext(frames, None)  # so that the generator ends by itself
        return self._single_result(params, first, context, request, accepted)

    def _subscribed(self, params: GraphQLRequest, context: Context, accepted: Accepted) -> ASGIApp:
        """Return the response of a subscription. Raises NotAcceptable and TooManyStreams; later errors are payloads."""
        if accepted.subscription is None:
            raise NotAcceptable(SUBSCRIBED)
        client, operations = context.client, self.operations
        self.places.check(client.id)
        payloads = operations.payloads(params, context, QUERY_OR_SUBSCRIPTION)
        payloads = while_in_standing(payloads, self.standing, client, operations.refusal)
        subscribed = stream_formats.subscription(accepted.subscription)
        return StreamingGraphQLResponse(subscribed, payloads, responses.DEFAULT_HEADERS, self.places.held(client.id))

    def _key(self, params: GraphQLRequest, context: Context) -> bytes | None:
        return self.cache.key(context.client, params.query or "", params.variables, params.operation_name)

    def _single_result(
        self, params: GraphQLRequest, result: ExecutionResult, context: Context, request: Request, accepted: Accepted
    ) -> ASGIApp:
        errors, headers = result.errors or [], billing_headers(context)
        try:
            data = responses.encoded(result.data) if executed(result) else None
            if data is not None and not errors:
                headers |= self._store(params, data, context, request)
            return _single_response(accepted, data, errors, extensions=result.extensions, headers=headers)
        except AnswerTooLarge as problem:
            error = format_error(as_graphql_error(problem), self.operations.hook)
            return _single_response(accepted, None, [error], extensions=result.extensions, headers=headers)

    async def _payloads(self, first: Any, frames: ResultStream, context: Context) -> AsyncGenerator[Payload, None]:
        """Yield the payloads of an incremental response. A part that is too large ends them with an error."""
        async with aclosing(frames):
            try:
                yield payload(first, context)
                async for frame in frames:
                    yield payload(frame, context)
            except AnswerTooLarge as problem:
                yield {**self.operations.refusal(problem), "hasNext": False}

    def _store(self, params: GraphQLRequest, data: bytes, context: Context, request: Request) -> dict[str, str]:
        """Store the response in the cache, and return its caching headers."""
        key = self._key(params, context)
        stored = None if key is None else self.cache.keep(key, data, context)
        return {} if stored is None else _caching_headers(stored, request, self.cache.responses.life(stored))


def billing_headers(context: Context) -> dict[str, str]:
    """Return the bill as headers, because routers drop a subgraph's extensions. Incremental: up to the first part."""
    headers = {"x-billed-requests": str(context.fetcher.bill.charged)}
    try:
        remaining = context.fetcher.budget.allowance.remaining()
    except LedgerUnavailable:
        return headers
    return headers if remaining is None else {**headers, "x-billing-remaining": str(remaining)}


def _cached_response(cached: Response, context: Context, request: Request, accepted: Accepted, life: float) -> ASGIApp:
    """Return a cached response with up-to-date billing. It charges nothing."""
    headers = billing_headers(context) | _caching_headers(cached, request, life)
    if cached.etag in request.headers.get("if-none-match", ""):
        return responses.not_modified(headers)
    extensions = report_cached(context.fetcher.budget, worth=cached.worth, explains=context.explains)
    return _single_response(accepted, cached.data, (), extensions=extensions, headers=headers)


def _single_response(accepted: Accepted, data: bytes | None, errors: Sequence[GraphQLError], **rest: Any) -> ASGIApp:
    response = responses.json_response(accepted.single or ResponseType.JSON, data, errors, **rest)
    return response if accepted.single else responses.as_single_event(response, _single_event_format(accepted))


def _single_event_format(accepted: Accepted) -> StreamFormat:
    """Return the stream format of a single response, for a client that accepts only streams."""
    if accepted.incremental is not None:
        return stream_formats.single(accepted.incremental)
    assert accepted.subscription is not None, "what reads nothing is refused before"
    return stream_formats.subscription(accepted.subscription)


def _incremental(accepted: Accepted, payloads: AsyncGenerator[Payload, None], headers: Mapping[str, str]) -> ASGIApp:
    streamed = accepted.incremental
    assert streamed is not None, "an operation that needs parts is refused before it is run"
    return StreamingGraphQLResponse(stream_formats.incremental(streamed), in_form(streamed.form, payloads), headers)


def _caching_headers(response: Response, request: Request, life: float) -> dict[str, str]:
    """Return the caching headers; none for POST, because HTTP caches store only GET."""
    if request.method == "POST":
        return {}
    return {"etag": response.etag, "cache-control": responses.cache_control(life), "vary": VARY}

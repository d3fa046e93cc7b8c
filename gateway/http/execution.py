"""From what is asked to the response: the operation is run, and its result or its stream becomes HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
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
from gateway.http.exact_match_cache import RECORDER_SCOPE_KEY, BillingContext, CacheCandidate, ResponseRecorder
from gateway.http.negotiation import Accepted, Media
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
    """Runs operations, and keeps their answers. Those that last hold `places`, while their client is in `standing`."""

    def __init__(
        self, operations: OperationRunner, kept: ResponseCache, places: ConnectionLimiter, standing: Standing
    ) -> None:
        self.operations = operations
        self.kept = kept
        self.places = places
        self.standing = standing

    async def __call__(self, asked: GraphQLRequest, request: Request, accepted: Accepted) -> ASGIApp:
        operations, reader = self.operations, reader_in(request.scope)
        try:
            if reader is not None:
                await reader.room()
            context = operations.context(RequestOptions.of(request.headers, streams=accepted.incremental is not None))
            key = self._key(asked, context)
            if key is not None and (known := self.kept.find(key)) is not None:
                operations.stored.remember(asked.query or "", asked.extensions)
                _teach(key, asked, known, context, request, accepted)
                return _again(known, context, request, accepted, self.kept.life(known))
            text, documents = asked.query or "", self.kept.documents
            if (early := await parsed_early(documents, text, context.buyer.share)) is not None:
                context = replace(context, parsed=early)
            if is_subscription(documents, text, early, asked.operation_name):
                return self._subscribed(asked, context, accepted)
            if reader is not None:
                context = replace(context, room=reader.room)
            frames = await operations.start(asked, context, READS_AND_WRITES if request.method == "POST" else READS)
            first = await anext(frames)
        except Exception as problem:  # a bug in a hook, too: it is raised past all masks
            error = format_error(as_graphql_error(problem), operations.hook)
            return responses.error_response(accepted.single or Media.JSON, error)
        operations.stored.remember(asked.query or "", asked.extensions)
        if not isinstance(first, ExecutionResult):
            headers = responses.DEFAULT_HEADERS | billing_headers(context) | status_codes.headers(first.errors or ())
            return _parts(accepted, self._payloads(first, frames, context), headers)
        await anext(frames, None)  # so that it ends by itself
        return self._whole(asked, first, context, request, accepted)

    def _subscribed(self, asked: GraphQLRequest, context: Context, accepted: Accepted) -> ASGIApp:
        """Raises NotAcceptable and TooManyStreams. What goes wrong later is told in the stream."""
        if accepted.subscription is None:
            raise NotAcceptable(SUBSCRIBED)
        client, operations = context.client, self.operations
        self.places.check(client.id)
        payloads = operations.payloads(asked, context, QUERY_OR_SUBSCRIPTION)
        payloads = while_in_standing(payloads, self.standing, client, operations.refusal)
        subscribed = stream_formats.subscription(accepted.subscription)
        return StreamingGraphQLResponse(subscribed, payloads, responses.DEFAULT_HEADERS, self.places.held(client.id))

    def _key(self, asked: GraphQLRequest, context: Context) -> bytes | None:
        return self.kept.key(context.client, asked.query or "", asked.variables, asked.operation_name)

    def _whole(
        self, asked: GraphQLRequest, result: ExecutionResult, context: Context, request: Request, accepted: Accepted
    ) -> ASGIApp:
        errors, headers = result.errors or [], billing_headers(context)
        try:
            data = responses.encoded(result.data) if executed(result) else None
            if data is not None and not errors:
                headers |= self._keep(asked, data, context, request)
            return _single(accepted, data, errors, extensions=result.extensions, headers=headers)
        except AnswerTooLarge as problem:
            error = format_error(as_graphql_error(problem), self.operations.hook)
            return _single(accepted, None, [error], extensions=result.extensions, headers=headers)

    async def _payloads(self, first: Any, frames: ResultStream, context: Context) -> AsyncGenerator[Payload, None]:
        """What is too large for one part ends them."""
        async with aclosing(frames):
            try:
                yield payload(first, context)
                async for frame in frames:
                    yield payload(frame, context)
            except AnswerTooLarge as problem:
                yield {**self.operations.refusal(problem), "hasNext": False}

    def _keep(self, asked: GraphQLRequest, data: bytes, context: Context, request: Request) -> dict[str, str]:
        """The headers that say how long the answer is good."""
        key = self._key(asked, context)
        kept = None if key is None else self.kept.keep(key, data, context)
        return {} if kept is None else _life(kept, request, self.kept.life(kept))


def billing_headers(context: Context) -> dict[str, str]:
    """The bill in headers, because routers drop a subgraph's extensions. Of an answer in parts: what came first."""
    headers = {"x-billed-requests": str(context.buyer.bill.charged)}
    try:
        remaining = context.buyer.purse.allowance.remaining()
    except LedgerUnavailable:
        return headers
    return headers if remaining is None else {**headers, "x-billing-remaining": str(remaining)}


def _again(known: Response, context: Context, request: Request, accepted: Accepted, life: float) -> ASGIApp:
    """An answer made before, with the bill of now: it charges nothing."""
    headers = billing_headers(context) | _life(known, request, life)
    if known.etag in request.headers.get("if-none-match", ""):
        return responses.not_modified(headers)
    extensions = report_cached(context.buyer.purse, worth=known.worth, explains=context.explains)
    return _single(accepted, known.data, (), extensions=extensions, headers=headers)


def _teach(
    key: bytes, asked: GraphQLRequest, known: Response, context: Context, request: Request, accepted: Accepted
) -> None:
    """So that the same request need not come this way again."""
    lesson: ResponseRecorder | None = request.scope.get(RECORDER_SCOPE_KEY)
    if lesson is None or accepted.single is None:
        return
    spending = BillingContext(context.client, context.buyer.purse, context.explains)
    with suppress(LedgerUnavailable):
        lesson.repeat = CacheCandidate.of(key, asked, spending, known, tells_life=request.method != "POST")


def _single(accepted: Accepted, data: bytes | None, errors: Sequence[GraphQLError], **rest: Any) -> ASGIApp:
    response = responses.json_response(accepted.single or Media.JSON, data, errors, **rest)
    return response if accepted.single else responses.as_single_event(response, _alone(accepted))


def _alone(accepted: Accepted) -> StreamFormat:
    """For a client that reads no single answer."""
    if accepted.incremental is not None:
        return stream_formats.single(accepted.incremental)
    assert accepted.subscription is not None, "what reads nothing is refused before"
    return stream_formats.subscription(accepted.subscription)


def _parts(accepted: Accepted, payloads: AsyncGenerator[Payload, None], headers: Mapping[str, str]) -> ASGIApp:
    streamed = accepted.incremental
    assert streamed is not None, "an operation that needs parts is refused before it is run"
    return StreamingGraphQLResponse(stream_formats.incremental(streamed), in_form(streamed.form, payloads), headers)


def _life(kept: Response, request: Request, life: float) -> dict[str, str]:
    """Only a GET may be answered from the client's own cache."""
    if request.method == "POST":
        return {}
    return {"etag": kept.etag, "cache-control": responses.cache_control(life), "vary": VARY}

"""Execution of an operation over HTTP: runs it and turns its result, or its stream of results, into a response."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.types import ExecutionResult

from gateway.errors import AnswerTooLarge, NotAcceptable
from gateway.http import responses, status_codes
from gateway.http.completion import operation_in, transport_of
from gateway.http.exact_match_cache import replayable
from gateway.http.long_lived import LongLived
from gateway.http.negotiation import Accepted, ResponseType
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest
from gateway.http.revocation import while_in_standing
from gateway.http.single_responses import billing_headers, cached_response, caching_headers, single_response
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
from gateway.http.transports.streaming_response import incremental_response, subscription_response
from gateway.http.unsent import reader_in
from gateway.operations.extensions import as_graphql_error, format_error
from gateway.operations.incremental_delivery import is_subscription, parsed_early
from gateway.operations.response_cache import ResponseCache
from gateway.operations.running import RunningOperation
from schema.context import Context

SUBSCRIBED = (
    "A subscription needs a WebSocket (graphql-transport-ws), or Accept: text/event-stream or "
    "multipart/mixed;subscriptionSpec=1.0."
)


class OperationHandler:
    """The handler of operations. It caches their responses; `long_lived` limits subscriptions."""

    def __init__(self, operations: OperationRunner, cache: ResponseCache, long_lived: LongLived) -> None:
        self.operations = operations
        self.cache = cache
        self.long_lived = long_lived

    async def __call__(self, params: GraphQLRequest, request: Request, accepted: Accepted) -> ASGIApp:
        operations, reader = self.operations, reader_in(request.scope)
        operation = operation_in(request.scope)
        try:
            if reader is not None:
                await reader.room()
            options = RequestOptions.of(request.headers, streams=accepted.incremental is not None)
            context = operation.attach(operations.context(options))
            if (response := self._cached(params, context, request, accepted)) is not None:
                return response
            text, documents = params.query or "", self.cache.documents
            if (early := await parsed_early(documents, text, context.fetcher.share)) is not None:
                context = replace(context, parsed=early)
            if is_subscription(documents, text, early, params.operation_name):
                return self._subscribed(params, context, accepted, operation)
            if reader is not None:
                context = replace(context, room=reader.room)
            frames = await operations.start(params, context, READS_AND_WRITES if request.method == "POST" else READS)
            first = await anext(frames)
        except Exception as problem:  # also a bug in an event hook, which no extension masks
            error = format_error(as_graphql_error(problem), operations.hook)
            return responses.error_response(accepted.single or ResponseType.JSON, operation.refuse(error))
        operations.stored.remember(params.query or "", params.extensions)
        if not isinstance(first, ExecutionResult):
            headers = responses.DEFAULT_HEADERS | billing_headers(context) | status_codes.headers(first.errors or ())
            operation.transport = transport_of(accepted.incremental)
            return incremental_response(accepted, self._payloads(first, frames, context, operation), headers)
        await anext(frames, None)  # so that the generator ends by itself
        return self._single_result(params, first, context, request, accepted)

    def _cached(self, params: GraphQLRequest, context: Context, request: Request, accepted: Accepted) -> ASGIApp | None:
        """Return the cached response, if there is one."""
        key = self._key(params, context)
        cached = None if key is None else self.cache.find(key)
        if cached is None:
            return None
        self.operations.stored.remember(params.query or "", params.extensions)
        response = cached_response(cached, context, request, accepted, self.cache.responses.life(cached))
        if (document := self.cache.documents.find(params.query or "")) is not None:
            context.head.read(document.node, params.operation_name)
        operation = operation_in(request.scope)
        operation.note_cached(cached.worth, has_data=response.status_code == status_codes.OK)
        if accepted.single is None:
            return response
        replay = operation.replay(response.status_code)
        return replayable(response, cached, params, context, replay, tells_life=request.method != "POST")

    def _subscribed(
        self, params: GraphQLRequest, context: Context, accepted: Accepted, operation: RunningOperation
    ) -> ASGIApp:
        """Return the response of a subscription. Raises NotAcceptable and TooManyStreams; later errors are payloads."""
        if accepted.subscription is None:
            raise NotAcceptable(SUBSCRIBED)
        client, operations, long_lived = context.client, self.operations, self.long_lived
        long_lived.places.check(client.id)
        operation.transport = transport_of(accepted.subscription)
        refusal = partial(operations.refusal, operation=operation)
        payloads = operations.payloads(params, context, QUERY_OR_SUBSCRIPTION, operation)
        payloads = while_in_standing(payloads, long_lived.standing, client, refusal)
        place = long_lived.places.held(client.id)
        return subscription_response(accepted.subscription, payloads, place, long_lived.shutdown)

    def _key(self, params: GraphQLRequest, context: Context) -> bytes | None:
        return self.cache.key(context.client, params.query or "", params.variables, params.operation_name)

    def _single_result(
        self, params: GraphQLRequest, result: ExecutionResult, context: Context, request: Request, accepted: Accepted
    ) -> ASGIApp:
        operation = operation_in(request.scope)
        errors, headers = result.errors or [], billing_headers(context)
        try:
            data = responses.encoded(result.data) if executed(result) else None
            operation.note_result(errors, has_data=result.data is not None, executed=data is not None)
            if data is not None and not errors:
                headers |= self._store(params, data, context, request)
            return single_response(accepted, data, errors, extensions=result.extensions, headers=headers)
        except AnswerTooLarge as problem:
            error = format_error(as_graphql_error(problem), self.operations.hook)
            operation.note_result([error], has_data=False, executed=True)
            return single_response(accepted, None, [error], extensions=result.extensions, headers=headers)

    async def _payloads(
        self, first: Any, frames: ResultStream, context: Context, operation: RunningOperation
    ) -> AsyncGenerator[Payload, None]:
        """Yield the payloads of an incremental response. A part that is too large ends them with an error."""
        async with aclosing(frames):
            try:
                yield operation.noted(payload(first, context))
                async for frame in frames:
                    yield operation.noted(payload(frame, context))
            except AnswerTooLarge as problem:
                yield {**self.operations.refusal(problem, operation), "hasNext": False}

    def _store(self, params: GraphQLRequest, data: bytes, context: Context, request: Request) -> dict[str, str]:
        """Store the response in the cache, and return its caching headers."""
        key = self._key(params, context)
        stored = None if key is None else self.cache.keep(key, data, context)
        return {} if stored is None else caching_headers(stored, request, self.cache.responses.life(stored))

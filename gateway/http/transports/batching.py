"""Batches: several operations in one request, each run like a single one, and all of them concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import GatewayError
from gateway.execution.sizes import LARGEST, least_size
from gateway.http import responses, status_codes
from gateway.http.completion import correlation_in, operation_in
from gateway.http.negotiation import Accepted, ResponseType
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest
from gateway.http.single_responses import billing_headers
from gateway.http.transports.operation_stream import READS_AND_WRITES, OperationRunner, Payload, too_large
from gateway.http.unsent import reader_in
from gateway.operation_events import Transport
from gateway.operations.extensions import as_graphql_error, format_error
from gateway.operations.running import RunningOperation
from gateway.planner.keys import Keys
from schema.context import Context


class Batches:
    """The handler of batches. Results come as an ordered array; headers bill the batch, `extensions` each operation."""

    def __init__(self, operations: OperationRunner) -> None:
        self.operations = operations

    async def __call__(self, batch: Sequence[GraphQLRequest], request: Request, accepted: Accepted) -> Response:
        media = accepted.single or ResponseType.JSON
        try:
            options = RequestOptions.of(request.headers)
            keys = Keys()
            reader = reader_in(request.scope)
            room = None if reader is None else reader.room
            contexts = [replace(self.operations.context(options), keys=keys, room=room) for _ in batch]
        except Exception as problem:  # also a bug in an event hook, as for a single operation
            error = format_error(as_graphql_error(problem), self.operations.hook)
            return responses.error_response(media, operation_in(request.scope).refuse(error))
        operation_in(request.scope).discard()
        results = []
        left = Room()
        with self._members(len(batch), request) as members:
            async with asyncio.TaskGroup() as group:
                for params, context, operation in zip(batch, contexts, members, strict=True):
                    member = self._member(params, operation.attach(context), left, operation)
                    results.append(group.create_task(member))
                    # Others run before the next one is parsed and planned.
                    await context.fetcher.services.clock.sleep(0)
        charged = sum(context.fetcher.bill.charged for context in contexts)
        headers = {**responses.DEFAULT_HEADERS, **billing_headers(contexts[-1]), "x-billed-requests": str(charged)}
        headers["content-type"] = media.value + responses.UTF_8
        payloads = [each.result() for each in results]
        errors = (error for payload in payloads for error in payload.get("errors", ()))
        headers |= status_codes.retry_after(error.get("extensions", {}) for error in errors)
        return Response(msgspec.json.encode(payloads), status_codes.OK, headers)

    @contextmanager
    def _members(self, count: int, request: Request) -> Iterator[Sequence[RunningOperation]]:
        """Begin the operations of a batch. Those that have not ended when the context ends are cancelled."""
        running, correlation = self.operations.running, correlation_in(request.scope)
        members = [running.begin(correlation, Transport.BATCH) for _ in range(count)]
        try:
            yield members
        finally:
            for operation in members:
                operation.end(status=None, cancelled=True)

    async def _member(
        self, params: GraphQLRequest, context: Context, room: Room, operation: RunningOperation
    ) -> Payload:
        """Return the result of one operation, which ends with it."""
        operation.enter()
        result = await self._result(params, context, room, operation)
        operation.end(status=status_codes.OK)
        return result

    async def _result(
        self, params: GraphQLRequest, context: Context, room: Room, operation: RunningOperation
    ) -> Payload:
        """Return the last payload, since batches have no incremental delivery."""
        operations = self.operations
        operation.text = params.query  # even if it is refused
        try:
            await operations.stored.recall(params.query, params.document_id, params.extensions)
            params = replace(params, query=operations.stored.text(params.query, params.document_id, params.extensions))
        except GatewayError as problem:
            return operations.refusal(problem, operation)
        operation.text = params.query
        async with aclosing(operations.payloads(params, context, READS_AND_WRITES, operation)) as payloads:
            result = [payload async for payload in payloads][-1]
        return result if room.take(least_size(result)) else operation.noted(too_large(result.get("extensions")))


class Room:
    """The size limit of all results of a batch together: the same as for a single response."""

    def __init__(self) -> None:
        self.left = LARGEST

    def take(self, size: int) -> bool:
        """Take `size` bytes of the limit, and return whether they were left."""
        if size > self.left:
            return False
        self.left -= size
        return True

"""GraphQL over HTTP: `/graphql` as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeAlias

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clients import Client
from gateway.errors import GatewayError, MethodNotAllowed, NotAcceptable
from gateway.http.bodies import Bodies
from gateway.http.completion import CompletionMiddleware, operation_in, refusal
from gateway.http.compression import COMPRESSION
from gateway.http.cors import check_page, cors
from gateway.http.disconnect import cancel_on_disconnect, without_body
from gateway.http.negotiation import Accepted, ResponseType, negotiate
from gateway.http.request_options import key_in
from gateway.http.request_parsing import Batch, GraphQLRequest, check_origin, parse_get, parse_post, turn_for
from gateway.http.routes import console
from gateway.http.uploads import with_uploads
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.running import RunningOperations
from gateway.scheduling import FairScheduler

Run: TypeAlias = Callable[[GraphQLRequest, Request, Accepted], Awaitable[ASGIApp]]
RunBatch: TypeAlias = Callable[[Sequence[GraphQLRequest], Request, Accepted], Awaitable[ASGIApp]]

OFFERED = (
    f"The answer comes as {ResponseType.GRAPHQL.value}, {ResponseType.JSON.value}, multipart/mixed or "
    "text/event-stream, in UTF-8; a stream may have the parameter incrementalSpec=v0.2 or deferSpec=20220824, or "
    "subscriptionSpec=1.0 as parts."
)
METHODS = "GET, HEAD, OPTIONS, POST"


def route(endpoint: GraphQLEndpoint, allowed: Collection[str] = (), uploads: Middleware | None = None) -> Route:
    """Return the route of `/graphql`. `allowed` are foreign origins for CORS; `uploads` extracts files."""
    cors_layers = [cors(allowed)] if allowed else []
    upload_layers = [uploads] if uploads else []
    completion = Middleware(CompletionMiddleware, running=endpoint.running)
    return Route("/graphql", endpoint, middleware=[completion, *cors_layers, COMPRESSION, *upload_layers])


class GraphQLEndpoint:
    """The GraphQL endpoint: parses requests, loads their documents, and passes operations to `run`.

    `identify` raises Unauthenticated for an unknown client, before the body is read, which costs memory and time.
    `longest_batch` is the maximum number of operations in a batch, which `run_batch` executes; 0 disables batches.
    `allowed` are foreign origins whose pages need no key. `bodies` bounds the memory of bodies that are being read.
    """

    def __init__(
        self,
        run: Run,
        run_batch: RunBatch,
        stored: PersistedQueries,
        identify: Callable[[str | None], Client],
        scheduler: FairScheduler,
        *,
        bodies: Bodies,
        running: RunningOperations,
        longest_batch: int = 0,
        allowed: Collection[str] = (),
    ) -> None:
        self.run = run
        self.run_batch = run_batch
        self.stored = stored
        self.identify = identify
        self.scheduler = scheduler
        self.bodies = bodies
        self.running = running
        self.longest_batch = longest_batch
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        accepted = negotiate(",".join(request.headers.getlist("accept")))
        send = without_body(send) if request.method == "HEAD" else send
        try:
            outcome = await self._read(request, accepted)
        except ClientDisconnect:
            return
        except GatewayError as problem:
            outcome = refusal(problem, accepted, scope)
        if isinstance(outcome, Response):
            await outcome(scope, receive, send)
        else:
            await cancel_on_disconnect(receive, self._answer(outcome, request, accepted, send))

    async def _answer(self, params: GraphQLRequest | Batch, request: Request, accepted: Accepted, send: Send) -> None:
        if isinstance(params, Batch):
            response = await self.run_batch(params.members, request, accepted)
        else:
            response = await self.run(params, request, accepted)
        await response(request.scope, request.receive, send)

    async def _read(self, request: Request, accepted: Accepted) -> GraphQLRequest | Batch | Response:
        """Return the parsed request, or a response without any operation. Raises GatewayError and ClientDisconnect."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": METHODS})
        if request.method == "POST":
            check_page(request.headers, self.allowed)
            client = self.identify(key_in(request.headers))
            operation_in(request.scope).client = client.id
            self._check_acceptable(accepted)
            with self.bodies.reading(client.id) as reading:
                params = await parse_post(request, reading, self.scheduler, longest_batch=self.longest_batch)
            if isinstance(params, Batch):
                return params
            return await self._with_document(with_uploads(params, request.scope), request.scope)
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("Send the operation by POST or GET.", allow=METHODS)
        await turn_for(len(request.scope["query_string"]), self.scheduler)
        return await self._read_url(request, accepted)

    async def _read_url(self, request: Request, accepted: Accepted) -> GraphQLRequest | Response:
        """Return the request of the URL. A browser gets the console, not an error: links to queries open there."""
        try:
            check_page(request.headers, self.allowed)
            params = parse_get(request)
            check_origin(request.headers, params)
            self._check_acceptable(accepted)
            return await self._with_document(params, request.scope)
        except GatewayError:
            if accepted.page:
                operation_in(request.scope).discard()
                return console.page()
            raise

    async def _with_document(self, params: GraphQLRequest, scope: Scope) -> GraphQLRequest:
        operation = operation_in(scope)
        operation.text = params.query  # even if it is refused
        await self.stored.recall(params.query, params.document_id, params.extensions)
        operation.text = self.stored.text(params.query, params.document_id, params.extensions)
        return replace(params, query=operation.text)

    def _check_acceptable(self, accepted: Accepted) -> None:
        if accepted.nothing:
            raise NotAcceptable(OFFERED)

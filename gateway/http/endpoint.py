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
from gateway.http import responses
from gateway.http.bodies import Bodies
from gateway.http.compression import COMPRESSION
from gateway.http.cors import check_page, cors
from gateway.http.disconnect import cancel_on_disconnect, without_body
from gateway.http.negotiation import Accepted, Media, negotiate
from gateway.http.request_options import key_in
from gateway.http.request_parsing import Batch, GraphQLRequest, check_origin, parse_get, parse_post, turn_for
from gateway.http.routes import console
from gateway.http.uploads import with_uploads
from gateway.operations.extensions import as_graphql_error
from gateway.operations.persisted_queries import PersistedQueries
from gateway.scheduling import FairScheduler

Run: TypeAlias = Callable[[GraphQLRequest, Request, Accepted], Awaitable[ASGIApp]]
RunBatch: TypeAlias = Callable[[Sequence[GraphQLRequest], Request, Accepted], Awaitable[ASGIApp]]

OFFERED = (
    f"The answer comes as {Media.GRAPHQL.value}, {Media.JSON.value}, multipart/mixed or text/event-stream, in UTF-8; a "
    "stream may have the parameter incrementalSpec=v0.2 or deferSpec=20220824, or subscriptionSpec=1.0 as parts."
)
METHODS = "GET, HEAD, OPTIONS, POST"


def route(endpoint: Endpoint, allowed: Collection[str] = (), uploads: Middleware | None = None) -> Route:
    """`allowed` are the origins of other sites whose pages may ask; `uploads` takes the files out of requests."""
    crossing = [cors(allowed)] if allowed else []
    taking = [uploads] if uploads else []
    return Route("/graphql", endpoint, middleware=[*crossing, COMPRESSION, *taking])


class Endpoint:
    """Reads requests, and hands those that ask for an operation, with its document, to `run`.

    `identify` raises Unauthenticated for whoever may not ask: before the body is read, which costs memory and time.
    `longest_batch` is how many may come at once, for `run_batch`; 0 for none. `allowed` are the origins of other sites
    whose pages may ask without a key. `bodies` bounds what is being read.
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
        longest_batch: int = 0,
        allowed: Collection[str] = (),
    ) -> None:
        self.run = run
        self.run_batch = run_batch
        self.stored = stored
        self.identify = identify
        self.scheduler = scheduler
        self.bodies = bodies
        self.longest_batch = longest_batch
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        accepted = negotiate(",".join(request.headers.getlist("accept")))
        send = without_body(send) if request.method == "HEAD" else send
        try:
            asked = await self._read(request, accepted)
        except ClientDisconnect:
            return
        except GatewayError as problem:
            asked = responses.error_response(accepted.single or Media.JSON, as_graphql_error(problem))
        if isinstance(asked, Response):
            await asked(scope, receive, send)
        else:
            await cancel_on_disconnect(receive, self._answer(asked, request, accepted, send))

    async def _answer(self, asked: GraphQLRequest | Batch, request: Request, accepted: Accepted, send: Send) -> None:
        if isinstance(asked, Batch):
            response = await self.run_batch(asked.members, request, accepted)
        else:
            response = await self.run(asked, request, accepted)
        await response(request.scope, request.receive, send)

    async def _read(self, request: Request, accepted: Accepted) -> GraphQLRequest | Batch | Response:
        """What is asked, or the answer to what is no operation. Raises GatewayError and ClientDisconnect."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": METHODS})
        if request.method == "POST":
            check_page(request.headers, self.allowed)
            client = self.identify(key_in(request.headers))
            self._check_acceptable(accepted)
            with self.bodies.reading(client.id) as reading:
                asked = await parse_post(request, reading, self.scheduler, longest_batch=self.longest_batch)
            return asked if isinstance(asked, Batch) else self._with_document(with_uploads(asked, request.scope))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("Send the operation by POST or GET.", allow=METHODS)
        await turn_for(len(request.scope["query_string"]), self.scheduler)
        return self._read_url(request, accepted)

    def _read_url(self, request: Request, accepted: Accepted) -> GraphQLRequest | Response:
        """A link to a query shows it in the explorer, and leaves running it to the reader."""
        try:
            check_page(request.headers, self.allowed)
            asked = parse_get(request)
            check_origin(request.headers, asked)
            self._check_acceptable(accepted)
            return self._with_document(asked)
        except GatewayError:
            if accepted.page:
                return console.page()
            raise

    def _with_document(self, asked: GraphQLRequest) -> GraphQLRequest:
        return replace(asked, query=self.stored.text(asked.query, asked.document_id, asked.extensions))

    def _check_acceptable(self, accepted: Accepted) -> None:
        if accepted.nothing:
            raise NotAcceptable(OFFERED)

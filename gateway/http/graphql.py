"""GraphQL over HTTP: `/graphql` as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from gateway.errors import GatewayError, MethodNotAllowed, NotAcceptable
from gateway.http import answers
from gateway.http.connection import while_connected, without_body
from gateway.http.negotiation import Accepted, Media, negotiate
from gateway.http.requests import Asked, check_origin, posted, queried
from gateway.operations.lifecycle import in_answer
from gateway.operations.stored import StoredDocuments

Run: TypeAlias = Callable[[Asked, Request, Accepted], Awaitable[ASGIApp]]

METHODS = "GET, HEAD, OPTIONS, POST"
# Parts are too small to gain by it, and must not wait for each other.
GZIP = Middleware(
    GZipMiddleware,
    minimum_size=1_000,
    compresslevel=4,
    exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "multipart/*"),
)


def route(run: Run, stored: StoredDocuments) -> Route:
    return Route("/graphql", Endpoint(run, stored), middleware=[GZIP])


class Endpoint:
    """Reads requests, and hands those that ask for an operation, with its document, to `run`."""

    def __init__(self, run: Run, stored: StoredDocuments) -> None:
        self.run = run
        self.stored = stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        accepted = negotiate(",".join(request.headers.getlist("accept")))
        send = without_body(send) if request.method == "HEAD" else send
        try:
            asked = await self._read(request, accepted)
        except ClientDisconnect:
            return
        except GatewayError as problem:
            asked = answers.refusal(accepted.single or Media.JSON, in_answer(problem))
        if isinstance(asked, Response):
            await asked(scope, receive, send)
        else:
            await while_connected(receive, self._answer(asked, request, accepted, send))

    async def _answer(self, asked: Asked, request: Request, accepted: Accepted, send: Send) -> None:
        response = await self.run(asked, request, accepted)
        await response(request.scope, request.receive, send)

    async def _read(self, request: Request, accepted: Accepted) -> Asked | Response:
        """What is asked, or the answer to what is no operation. Raises InvalidRequest and ClientDisconnect."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": METHODS})
        if request.method == "POST":
            self._check_acceptable(accepted)
            return self._with_document(await posted(request))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("Send the operation by POST or GET.", allow=METHODS)
        return self._read_url(request, accepted)

    def _read_url(self, request: Request, accepted: Accepted) -> Asked | Response:
        """A link to a query shows it in the explorer, and leaves running it to the reader."""
        try:
            asked = queried(request)
            check_origin(request.headers, asked)
            self._check_acceptable(accepted)
            return self._with_document(asked)
        except GatewayError:
            if accepted.page:
                return HTMLResponse(get_graphql_ide_html(), headers={"vary": "Accept"})
            raise

    def _with_document(self, asked: Asked) -> Asked:
        return replace(asked, query=self.stored.text(asked.query, asked.document_id, asked.extensions))

    def _check_acceptable(self, accepted: Accepted) -> None:
        if accepted.single is None and not accepted.multipart:
            offered = f"{Media.GRAPHQL.value}, {Media.JSON.value} or multipart/mixed"
            raise NotAcceptable(f"The answer comes as {offered}.")

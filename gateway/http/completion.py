"""Request ids, and the events of operations that end, for requests over HTTP."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.correlation import REQUEST_ID, Correlation, RequestIds, within
from gateway.errors import GatewayError
from gateway.http import responses, status_codes
from gateway.http.exact_match_cache import PATH
from gateway.http.negotiation import EVENTS, Accepted, ResponseType, Streamed
from gateway.operation_events import Transport
from gateway.operations.extensions import as_graphql_error
from gateway.operations.running import RunningOperation, RunningOperations

# Keys in the scope of a request.
CORRELATION = "gateway.correlation"
OPERATION = "gateway.operation"


class CorrelationMiddleware:
    """ASGI middleware that gives each request its correlation, and its response the request id as a header."""

    def __init__(self, app: ASGIApp, *, ids: RequestIds) -> None:
        self.app = app
        self.ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        correlation = self.ids.correlation(scope["headers"])
        header = REQUEST_ID, correlation.request.encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        scope[CORRELATION] = correlation
        with within(correlation):
            await self.app(scope, receive, send_with_id)


class CompletionMiddleware:
    """ASGI middleware that begins an operation with each request, and ends it with the end of the response."""

    def __init__(self, app: ASGIApp, *, running: RunningOperations) -> None:
        self.app = app
        self.running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "OPTIONS" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        operation = scope[OPERATION] = self.running.begin(correlation_in(scope), Transport.HTTP)
        status: int | None = None
        is_sent = False

        async def note_and_send(message: Message) -> None:
            nonlocal status, is_sent
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            is_sent = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self.app(scope, receive, note_and_send)
        except Exception:
            is_sent, status = True, status or status_codes.BROKEN
            operation.note_code(status_codes.MASKED)
            raise
        finally:
            operation.end(status=status, cancelled=not is_sent)


def refusal(problem: GatewayError, accepted: Accepted, scope: Scope) -> Response:
    """Return the response to a request that is refused before anything is executed."""
    # A function of its own: a frame of the error's traceback that refers to the error keeps both as garbage.
    error = as_graphql_error(problem)
    operation: RunningOperation | None = scope.get(OPERATION)
    if operation is not None:
        operation.refuse(error)
    return responses.error_response(accepted.single or ResponseType.JSON, error)


def transport_of(streamed: Streamed | None) -> Transport:
    """Return the transport of a response in a stream format; None is a single response."""
    if streamed is None:
        return Transport.HTTP
    return Transport.SSE if streamed.media == EVENTS else Transport.MULTIPART


def correlation_in(scope: Scope) -> Correlation:
    correlation: Correlation = scope[CORRELATION]
    return correlation


def operation_in(scope: Scope) -> RunningOperation:
    operation: RunningOperation = scope[OPERATION]
    return operation

"""The span of each request for operations, which is that of its operation unless it has several.

The response names it as `traceparent`.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.correlation import TRACEPARENT
from gateway.http.exact_match_cache import PATH
from gateway.operations.operation_spans import OperationScope
from gateway.spans import CANCELLED, Attribute, Kind, Tracer, within

METHODS = frozenset({"GET", "HEAD", "POST"})


class RequestSpans:
    """ASGI middleware around all that answers requests, the cache of exact matches included."""

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in METHODS:
            await self.app(scope, receive, send)
            return
        operation = self._begin(scope)
        header = TRACEPARENT, operation.root.headers[TRACEPARENT.decode()].encode()
        status: int | None = None

        async def note_and_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                operation.answer()
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        try:
            with within(operation):
                await self.app(scope, receive, note_and_send)
        finally:
            if status is not None:
                operation.root.set({Attribute.STATUS: status})
            elif not operation.attributes:
                operation.root.fail(CANCELLED)
            operation.end()

    def _begin(self, scope: Scope) -> OperationScope:
        method = scope["method"]
        span = self.tracer.start(
            f"{method} {PATH}",
            Kind.SERVER,
            parent=self.tracer.context_in(scope["headers"]),
            attributes={Attribute.METHOD: method, Attribute.ROUTE: PATH},
        )
        return OperationScope(self.tracer, span, alone=True)

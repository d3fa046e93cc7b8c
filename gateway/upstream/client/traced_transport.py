"""A transport whose requests have spans, and carry the trace context to the upstream."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

import httpx

from gateway.events import Event, UpstreamAttempt
from gateway.spans import Attribute, Kind, LiveSpan, Tracer, current_scope
from gateway.upstream.client.prepared_requests import PreparedGet

DEFAULT_PORTS = {"http": 80, "https": 443}
# The request of this task: a task sends one at a time.
_REQUEST: ContextVar[LiveSpan | None] = ContextVar("request", default=None)


class TracedTransport(httpx.AsyncBaseTransport):
    """A transport over another one. Requests of work that is not traced, such as reading the balance, have no span."""

    def __init__(self, transport: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        self._transport = transport
        self._tracer = tracer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        scope = current_scope()
        if scope is None:
            return await self._transport.handle_async_request(request)
        span = self._tracer.start(
            request.method,
            Kind.CLIENT,
            parent=scope.span,
            attributes={
                Attribute.METHOD: request.method,
                Attribute.SERVER_ADDRESS: request.url.host,
                Attribute.SERVER_PORT: request.url.port or DEFAULT_PORTS[request.url.scheme],
            },
        )
        _REQUEST.set(span)
        return await self._transport.handle_async_request(_with_headers(request, span.headers))

    async def aclose(self) -> None:
        await self._transport.aclose()


def hear(event: Event) -> None:
    """End the span of a request with its event, which comes in the task that sent it. A hook."""
    if not isinstance(event, UpstreamAttempt) or (span := _REQUEST.get()) is None:
        return
    _REQUEST.set(None)
    span.set({Attribute.ENDPOINT: event.endpoint, Attribute.CHARGED: event.charged})
    if event.status is not None:
        span.set({Attribute.STATUS: event.status})
    if event.attempt > 1:
        span.set({Attribute.RESEND: event.attempt - 1})
    if event.error is not None:
        span.fail(event.error)
    span.end()


def _with_headers(request: httpx.Request, headers: Mapping[str, str]) -> httpx.Request:
    if isinstance(request, PreparedGet):
        return request.with_headers(headers)
    request.headers.update(headers)
    return request

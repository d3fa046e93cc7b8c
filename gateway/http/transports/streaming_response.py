"""The HTTP response that streams payloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from functools import partial

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.http import responses, status_codes
from gateway.http.negotiation import Accepted, Streamed
from gateway.http.shutdown import NEVER, Shutdown, end_now
from gateway.http.transports import stream_formats
from gateway.http.transports.incremental import in_form
from gateway.http.transports.operation_stream import Payload
from gateway.http.transports.stream_formats import StreamFormat

# Proxies may close a connection that is silent for half a minute; Apollo's router has the same interval.
BEAT = 5.0  # seconds
# A client that reconnects afterwards has its key checked again, and may reach another process.
LIFETIME = 3_600.0  # seconds
# Asks proxies not to buffer the stream.
UNBUFFERED = {"x-accel-buffering": "no"}


class StreamingGraphQLResponse:
    """The ASGI response that sends each payload as soon as it is ready, and holds `place` until it ends.

    It is cut off by `shutdown`; without one, it is finished while the process shuts down.
    """

    def __init__(
        self,
        framing: StreamFormat,
        payloads: AsyncGenerator[Payload, None],
        headers: Mapping[str, str],
        place: AbstractContextManager[None] | None = None,
        shutdown: Shutdown = NEVER,
    ) -> None:
        self.framing = framing
        self.payloads = payloads
        self.headers = {**headers, **UNBUFFERED, "content-type": framing.content_type}
        self.place = place or nullcontext()
        self.shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        with self.place:
            await send({"type": "http.response.start", "status": status_codes.OK, "headers": raw})
            end = await self._send_all(send)
            await send({"type": "http.response.body", "body": end, "more_body": False})

    async def _send_all(self, send: Send) -> bytes:
        """Send the payloads, for a lifetime at most or until the shutdown, and return what ends the stream."""
        try:
            async with asyncio.timeout(LIFETIME) as limit:
                with self.shutdown.calling(partial(end_now, limit)):
                    await self._send(send)
        except TimeoutError:
            if self.shutdown.has_begun:
                return self.framing.cut_off
        return self.framing.end

    async def _send(self, send: Send) -> None:
        if self.framing.opening:
            await send({"type": "http.response.body", "body": self.framing.opening, "more_body": True})
        async with aclosing(with_heartbeats(self.payloads, BEAT if self.framing.beat else None)) as payloads:
            async for payload in payloads:
                body = self.framing.frame(msgspec.json.encode(payload)) if payload is not None else self.framing.beat
                await send({"type": "http.response.body", "body": body, "more_body": True})


def subscription_response(
    streamed: Streamed, payloads: AsyncGenerator[Payload, None], place: AbstractContextManager[None], shutdown: Shutdown
) -> StreamingGraphQLResponse:
    framing = stream_formats.subscription(streamed)
    return StreamingGraphQLResponse(framing, payloads, responses.DEFAULT_HEADERS, place, shutdown)


def incremental_response(
    accepted: Accepted, payloads: AsyncGenerator[Payload, None], headers: Mapping[str, str]
) -> StreamingGraphQLResponse:
    streamed = accepted.incremental
    assert streamed is not None, "an operation that needs parts is refused before it is run"
    return StreamingGraphQLResponse(stream_formats.incremental(streamed), in_form(streamed.form, payloads), headers)


async def with_heartbeats(
    payloads: AsyncGenerator[Payload, None], seconds: float | None
) -> AsyncGenerator[Payload | None]:
    """Yield `payloads`, and None after each `seconds` without one. At most one payload is buffered."""
    queue = asyncio.Queue[Payload | None](1)
    pump = asyncio.create_task(_pump(payloads, queue))
    try:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    payload = await queue.get()
            except TimeoutError:
                yield None
                continue
            if payload is None:
                return
            yield payload
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def _pump(payloads: AsyncGenerator[Payload, None], queue: asyncio.Queue[Payload | None]) -> None:
    """Iterate in one task: generators with cancel scopes or context variables rely on that."""
    async with aclosing(payloads):
        async for payload in payloads:
            await queue.put(payload)
    await queue.put(None)

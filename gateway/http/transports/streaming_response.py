"""The HTTP response that streams payloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.http import status_codes
from gateway.http.transports.operation_stream import Payload
from gateway.http.transports.stream_formats import StreamFormat

# Proxies may close a connection that is silent for half a minute; Apollo's router has the same interval.
BEAT = 5.0  # seconds
# A client that reconnects afterwards has its key checked again, and may reach another process.
LIFETIME = 3_600.0  # seconds
# Asks proxies not to buffer the stream.
UNBUFFERED = {"x-accel-buffering": "no"}


class StreamingGraphQLResponse:
    """The ASGI response that sends each payload as soon as it is ready, and holds `place` until it ends."""

    def __init__(
        self,
        framing: StreamFormat,
        payloads: AsyncGenerator[Payload, None],
        headers: Mapping[str, str],
        place: AbstractContextManager[None] | None = None,
    ) -> None:
        self.framing = framing
        self.payloads = payloads
        self.headers = {**headers, **UNBUFFERED, "content-type": framing.content_type}
        self.place = place or nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        with self.place:
            await send({"type": "http.response.start", "status": status_codes.OK, "headers": raw})
            with suppress(TimeoutError):
                async with asyncio.timeout(LIFETIME):
                    await self._send(send)
            await send({"type": "http.response.body", "body": self.framing.end, "more_body": False})

    async def _send(self, send: Send) -> None:
        if self.framing.opening:
            await send({"type": "http.response.body", "body": self.framing.opening, "more_body": True})
        async with aclosing(with_heartbeats(self.payloads, BEAT if self.framing.beat else None)) as payloads:
            async for payload in payloads:
                body = self.framing.frame(msgspec.json.encode(payload)) if payload is not None else self.framing.beat
                await send({"type": "http.response.body", "body": body, "more_body": True})


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

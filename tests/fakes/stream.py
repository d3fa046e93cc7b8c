"""An HTTP client of an ASGI application that reads a body as it comes, and may hang up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp, Message


class Reading:
    """`async with Reading(app, body, accept=...) as reading`: status and headers are there then.

    `room` is how many chunks are taken before the application has to wait.
    """

    def __init__(
        self, app: ASGIApp, body: object, *, accept: str, headers: Mapping[str, str] | None = None, room: int = 1_000
    ) -> None:
        self.app = app
        self.headers = {"host": "gateway.test", "content-type": "application/json", "accept": accept, **(headers or {})}
        self.status = 0
        self.answered: dict[str, str] = {}
        self.chunks = asyncio.Queue[Message](room)
        self._incoming = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
        self._hung_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.serving = asyncio.ensure_future(self.app(self._scope(), self._receive, self.chunks.put))
        start = await self.chunks.get()
        self.status = start["status"]
        self.answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hung_up.set()
        await self.serving

    async def chunk(self) -> bytes:
        """Empty at the end."""
        message = await self.chunks.get()
        body: bytes = message.get("body", b"")
        return body

    async def whole(self) -> bytes:
        body = b""
        while True:
            message = await self.chunks.get()
            body += message.get("body", b"")
            if not message.get("more_body"):
                return bytes(body)

    async def _receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop()
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    def _scope(self) -> dict[str, Any]:
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        return {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": headers,
            "state": {},
        }

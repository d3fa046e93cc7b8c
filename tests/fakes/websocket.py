"""A WebSocket client of an ASGI application, in memory: what it is sent waits until it is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp, Message

PROTOCOL = "graphql-transport-ws"


class Refused(Exception):
    """The handshake was answered by an HTTP `status` instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Socket:
    """`async with Socket(app) as socket`; `closed` is the code once the application has closed it.

    `room` is how many messages are taken before the application has to wait. `denial`: the server lets it choose the
    status of a refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        protocols: Sequence[str] = (PROTOCOL,),
        headers: Mapping[str, str] | None = None,
        room: int = 1_000,
        denial: bool = False,
    ) -> None:
        self.app = app
        self.protocols = protocols
        self.headers = {"host": "gateway.test", **(headers or {})}
        self.denial = denial
        self.protocol: str | None = None
        self.closed: tuple[int, str] | None = None
        self._inbox = asyncio.Queue[Message](room)
        self._outbox = asyncio.Queue[Message]()

    async def __aenter__(self) -> Self:
        self.serving = asyncio.ensure_future(self.app(self._scope(), self._outbox.get, self._inbox.put))
        self._outbox.put_nowait({"type": "websocket.connect"})
        answer = await self._inbox.get()
        if answer["type"] != "websocket.accept":
            await self.serving
            raise Refused(answer.get("status", 403))
        self.protocol = answer.get("subprotocol")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await self.serving

    async def send(self, **message: Any) -> None:
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        self._outbox.put_nowait({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        self._outbox.put_nowait({"type": "websocket.receive", "bytes": data})

    async def read(self) -> dict[str, Any]:
        """The next message; `{}` where the connection was closed instead."""
        message = await self._inbox.get()
        if message["type"] == "websocket.close":
            self.closed = message["code"], message.get("reason") or ""
            return {}
        read: dict[str, Any] = json.loads(message["text"])
        return read

    async def close_code(self) -> int:
        """Reads whatever comes until the connection is closed."""
        while self.closed is None:
            await self.read()
        return self.closed[0]

    @property
    def unread(self) -> int:
        return self._inbox.qsize()

    async def init(self, **payload: Any) -> Self:
        await self.send(type="connection_init", payload=payload)
        assert await self.read() == {"type": "connection_ack"}
        return self

    async def subscribe(self, id: str, query: str, **members: Any) -> None:
        await self.send(type="subscribe", id=id, payload={"query": query, **members})

    def _scope(self) -> dict[str, Any]:
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        return {
            "type": "websocket",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "scheme": "ws",
            "headers": headers,
            "subprotocols": list(self.protocols),
            "extensions": {"websocket.http.response": {}} if self.denial else {},
            "state": {},
        }

"""An upstream on a real socket, and a client of it through the transport in use.

Modules that use it say `LOOP = asyncio.SelectorEventLoop`: virtual time does not wait for sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.clock import SystemClock
from gateway.events import Event, UpstreamAttempt
from gateway.reads.port import ReadOutcome
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi.client import HikerApi, connect
from tests.upstream.harness import KEY, NATGEO, TRAY

QUICK = Policy(backoff=0.001, jitter=0.001, longest_wait=0.01)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(TRAY)
GOOD = HEAD + b"\r\n" + TRAY

Serve = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """`connection` and `number` count from 1: the server's connections, and the requests on this one."""

    connection: int
    number: int
    head: bytes


class Server:
    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.requests: list[Request] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, number = self.connections, 0
        self.writers.append(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                number += 1
                request = Request(connection, number, head)
                self.requests.append(request)
                await self.serve(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Setting:
    server: Server
    listener: asyncio.Server
    api: HikerApi
    events: list[Event]

    async def die(self) -> None:
        self.listener.close()
        for writer in self.server.writers:
            writer.close()
        await self.listener.wait_closed()

    async def fetch(self) -> ReadOutcome:
        return await self.api.fetch(NATGEO)

    @property
    def attempts(self) -> list[UpstreamAttempt]:
        return [event for event in self.events if isinstance(event, UpstreamAttempt)]


@asynccontextmanager
async def serving(serve: Serve, policy: Policy = QUICK) -> AsyncIterator[Setting]:
    server = Server(serve)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    events: list[Event] = []

    def hook(event: Event) -> None:
        events.append(event)

    api = connect(
        base_url=f"http://localhost:{port}", key=KEY, clock=SystemClock(), hook=hook, rate=10_000, policy=policy
    )
    setting = Setting(server, listener, api, events)
    try:
        yield setting
    finally:
        await api.aclose()
        await setting.die()


async def good(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD)

"""Our protocols at a real socket, in front of a small application, on a loop whose time is virtual."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.domain.hosts import Network
from gateway.http.disconnect import InPieces
from gateway.http.unsent import READER
from gateway.server.certificate import Certificate
from gateway.server.http_protocol import HttpProtocol
from gateway.server.peers import Ceilings
from gateway.server.server import ServerConfig, ServerOptions
from gateway.server.tls import TlsProtocol
from tests.fakes.clock import VirtualLoop

BLOCK = bytes(60_000)
LARGE = 16 * 2**20  # bytes: more than sockets hold


class PatientLoop(VirtualLoop):
    """Gives sockets a moment of real time before its own jumps: what is sent on this machine is there by then."""

    def __init__(self) -> None:
        super().__init__()
        self._selector_of_time.busy = 1
        self._selector_of_time.patience = 0.003


@dataclass
class Application:
    """Answers by path, and notes what it was asked. `gate` is opened by the test."""

    asked: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    blocks = 0
    running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope)
        self.running += 1
        try:
            await InPieces(self._route)(scope, receive, send)
        finally:
            self.running -= 1

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/large":
            await scope[READER].room()
        await self._routes()[scope["path"]](receive, send)

    def _routes(self) -> dict[str, Callable[[Receive, Send], Awaitable[None]]]:
        return {
            "/": self._say,
            "/read": self._read,
            "/refuse": self._refuse,
            "/wait": self._wait,
            "/endless": self._stream,
            "/large": self._say_much,
            "/socket": self._talk,
            "/deny": self._deny,
        }

    async def _say(self, receive: Receive, send: Send) -> None:
        await _answer(send, b"hello")

    async def _say_much(self, receive: Receive, send: Send) -> None:
        await _answer(send, bytes(LARGE))

    async def _read(self, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        await _answer(send, b"%d" % len(body))

    async def _refuse(self, receive: Receive, send: Send) -> None:
        await _answer(send, b"", status=401)

    async def _wait(self, receive: Receive, send: Send) -> None:
        """Until the gate is opened, or the client goes away."""
        gone = asyncio.create_task(_gone(receive))
        opened = asyncio.create_task(self.gate.wait())
        await asyncio.wait([gone, opened], return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        opened.cancel()
        await _answer(send, b"waited")

    async def _stream(self, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
            self.blocks += 1
            await asyncio.sleep(0)

    async def _deny(self, receive: Receive, send: Send) -> None:
        """A handshake, by HTTP."""
        await send({"type": "websocket.http.response.start", "status": 421, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"other", "more_body": False})

    async def _talk(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.messages.append(message["text"])
            await self.gate.wait()
            await send({"type": "websocket.send", "text": message["text"]})


async def _gone(receive: Receive) -> Message:
    while (message := await receive())["type"] != "http.disconnect":
        pass
    return message


async def _answer(send: Send, body: bytes, status: int = 200) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Line:
    """A connection from the client's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def flood(self, piece: bytes, times: int) -> int:
        """Sends as long as it can; how many pieces went out."""
        for sent in range(times):
            try:
                await self.send(piece)
            except ConnectionError:
                return sent
        return times

    async def status(self) -> int:
        """Of the next answer, whose head is taken; 0 where the connection was closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        return int(head.split()[1])

    async def drip(self, letter: bytes) -> int:
        """A byte each second until there is an answer: its status."""
        answer = asyncio.ensure_future(self.status())
        while not answer.done():
            await self.flood(letter, 1)
            await asyncio.wait([answer], timeout=1)
        return await answer

    async def rest(self) -> bytes:
        """All that comes until the connection is closed."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


@dataclass
class Listening:
    config: ServerConfig
    state: ServerState
    app: Application
    port: int
    protocols: list[HttpProtocol]
    lines: list[Line] = field(default_factory=list)
    fed: list[HttpProtocol] = field(default_factory=list)
    """Those without a peer."""

    async def line(self, *, limit: int = 2**16, context: ssl.SSLContext | None = None) -> Line:
        """A connection, by TLS with a context."""
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port, limit=limit, ssl=context))
        self.lines.append(line)
        return line

    async def socket(self, *, context: ssl.SSLContext | None = None) -> Line:
        """A WebSocket, past its handshake."""
        line = await self.line(context=context)
        await line.send(HANDSHAKE + b"\r\n")
        assert await line.status() == 101
        return line


async def until(condition: Callable[[], object]) -> None:
    """Real time passes in moments, virtual time in seconds."""
    seconds = 0.5 if isinstance(asyncio.get_running_loop(), VirtualLoop) else 0.002
    while not condition():  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(seconds)


HANDSHAKE = (
    b"GET /socket HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)


@contextlib.asynccontextmanager
async def listening(
    ceilings: Ceilings | None = None,
    proxies: frozenset[Network] = frozenset(),
    certificate: Certificate | None = None,
) -> AsyncIterator[Listening]:
    app, options = Application(), ServerOptions(ceilings or Ceilings(), proxies, certificate)
    config = ServerConfig(app, options, lifespan="off", log_level="critical")
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    protocols: list[HttpProtocol] = []

    def connect() -> Any:
        if certificate is None:
            protocols.append(HttpProtocol(config, state, {}, loop))
            return protocols[-1]
        below = TlsProtocol(config, state, {}, loop)
        protocols.append(below._http)
        return below

    listener = await loop.create_server(connect, "127.0.0.1", 0)
    server = Listening(config, state, app, listener.sockets[0].getsockname()[1], protocols)
    try:
        yield server
    finally:
        app.gate.set()
        for protocol in server.fed:
            protocol.connection_lost(None)
        for line in server.lines:
            line.writer.transport.abort()
        listener.close()
        await until(lambda: not (state.tasks or config.peers.connections.total))


def connected(server: Listening, peer: tuple[str, int] | None = None) -> tuple[HttpProtocol, Deaf]:
    """A protocol to be fed by hand, whose peer has this address or none."""
    loop = asyncio.get_running_loop()
    protocol = HttpProtocol(server.config, server.state, {}, loop)
    transport = Deaf({"peername": peer})
    protocol.connection_made(transport)
    server.fed.append(protocol)
    return protocol, transport


class Deaf(asyncio.Transport):
    def __init__(self, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self.closed = False
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def write_eof(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

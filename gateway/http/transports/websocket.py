"""GraphQL over WebSocket (subprotocol graphql-transport-ws), for all operations, each with its own context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, assert_never

from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.clients import Client
from gateway.errors import GatewayError, TooManyStreams
from gateway.execution.sizes import least_size
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.cors import is_own_or_allowed
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest, turn_for
from gateway.http.revocation import Standing
from gateway.http.transports import ws_messages
from gateway.http.transports.operation_stream import EVERYTHING, OperationRunner, Payload
from gateway.http.transports.ws_messages import PROTOCOL, Close, Closing, Complete, Init, Message, Ping, Pong, Subscribe
from gateway.tracebacks import forget_frames

# Bytes of a connection's payloads that are not sent yet. Beyond them no further operation of it is executed.
MOST_UNSENT = 2**20


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The timeouts of a connection, in seconds, and the maximum number of concurrent operations."""

    init: float = 10.0
    # Without any operation; the client connects again when it needs to.
    idle: float = 900.0
    # A client that reconnects afterwards has its key checked again, and may reach another process.
    life: float = 3_600.0
    # For sending one message.
    send: float = 30.0
    operations: int = 100


def socket_route(
    operations: OperationRunner,
    places: ConnectionLimiter,
    standing: Standing,
    allowed: Collection[str],
    patience: Timeouts | None = None,
) -> WebSocketRoute:
    return WebSocketRoute("/graphql", WebSocketEndpoint(operations, places, standing, allowed, patience or Timeouts()))


class WebSocketEndpoint:
    """The WebSocket endpoint: an ASGI application with one connection per call."""

    def __init__(
        self,
        operations: OperationRunner,
        places: ConnectionLimiter,
        standing: Standing,
        allowed: Collection[str],
        patience: Timeouts,
    ) -> None:
        self.operations = operations
        self.places = places
        self.standing = standing
        self.allowed = allowed
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not is_own_or_allowed(socket.headers, self.allowed):
            await socket.close()  # before it is accepted: HTTP 403
            return
        speaks_protocol = PROTOCOL in scope["subprotocols"]
        await socket.accept(subprotocol=PROTOCOL if speaks_protocol else None)
        try:
            await self._hold(socket, speaks_protocol=speaks_protocol)
        except Closing as closing:
            forget_frames(closing)
            await _close(socket, closing, self.patience.send)
        except (WebSocketDisconnect, OSError) as gone:
            forget_frames(gone)

    async def _hold(self, socket: WebSocket, *, speaks_protocol: bool) -> None:
        """Initialise the connection, and run its session. Raises Closing and WebSocketDisconnect."""
        if not speaks_protocol:
            raise Closing(Close.SUBPROTOCOL, f"Speak {PROTOCOL}.")
        terms = await self._options(socket)
        client = self._client(terms)
        try:
            with self.places.held(client.id):
                await WebSocketSession(socket, self.operations, terms, self.patience).hold(self.standing, client)
        except TooManyStreams as refusal:
            raise Closing(Close.TOO_MANY, refusal.message) from refusal

    async def _options(self, socket: WebSocket) -> RequestOptions:
        try:
            async with asyncio.timeout(self.patience.init):
                text = await _text(socket)
                await turn_for(len(text or ""), self.operations.scheduler)
                first = ws_messages.read(text)
        except TimeoutError as exc:
            raise Closing(Close.INIT_TIMEOUT, "Connection initialisation timeout") from exc
        if not isinstance(first, Init):
            raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        headers = Headers({**socket.headers, **first.headers})
        try:
            return RequestOptions.of(headers, streams=True)
        except GatewayError as problem:
            raise Closing(Close.INVALID, problem.message) from problem

    def _client(self, terms: RequestOptions) -> Client:
        try:
            return self.operations.context(terms).client
        except GatewayError as problem:
            raise Closing(Close.FORBIDDEN, problem.message) from problem


class SendBuffer:
    """The bytes of a connection's payloads that are not sent yet."""

    def __init__(self) -> None:
        self.size = 0
        self._room = asyncio.Event()

    async def room(self) -> None:
        """Wait until there is room. A woken waiter checks again: another operation may have taken the room."""
        while self.size > MOST_UNSENT:
            self._room.clear()
            await self._room.wait()

    @contextmanager
    def holding(self, payload: Payload) -> Iterator[None]:
        size = least_size(payload)
        self.size += size
        try:
            yield
        finally:
            self.size -= size
            self._room.set()


class WebSocketSession:
    """The session of an initialised connection."""

    def __init__(
        self, socket: WebSocket, operations: OperationRunner, terms: RequestOptions, patience: Timeouts
    ) -> None:
        self.socket = socket
        self.operations = operations
        self.terms = terms
        self.patience = patience
        self.running: dict[str, asyncio.Task[None]] = {}
        self.group = asyncio.TaskGroup()
        self.sending = asyncio.Lock()
        self.unsent = SendBuffer()

    async def hold(self, standing: Standing, client: Client) -> None:
        """Serve the connection until it ends. Raises WebSocketDisconnect, and Closing if the gateway ends it."""
        try:
            async with asyncio.timeout(self.patience.life), self.group:
                self.group.create_task(_close_when_revoked(standing, client))
                await self._send("connection_ack")
                while True:
                    text = await self._next()
                    await turn_for(len(text or ""), self.operations.scheduler)
                    await self._dispatch(ws_messages.read(text))
        except TimeoutError as exc:
            raise Closing(Close.AWAY, "The connection has reached its maximum age: reconnect.") from exc
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self.running.clear()  # a task cancelled before its start has not removed itself

    async def _next(self) -> str | None:
        while True:
            try:
                async with asyncio.timeout(self.patience.idle):
                    return await _text(self.socket)
            except TimeoutError as exc:
                if not self.running:
                    raise Closing(Close.ENDED, "Idle") from exc

    async def _dispatch(self, message: Message) -> None:
        match message:
            case Init():
                raise Closing(Close.TOO_MANY, "Too many initialisation requests")
            case Ping(payload):
                await self._send("pong", payload=payload)
            case Complete(id_):
                if (task := self.running.pop(id_, None)) is not None:
                    task.cancel()
            case Subscribe(id_, params):
                await self._subscribe(id_, params)
            case Pong():
                pass
            case _:
                assert_never(message)

    async def _subscribe(self, id_: str, params: GraphQLRequest) -> None:
        if id_ in self.running:
            raise Closing(Close.DUPLICATE, f"Subscriber for {id_} already exists")
        if len(self.running) >= self.patience.operations:
            most = self.patience.operations
            refusal = TooManyStreams(
                f"{most} operations run on this connection, the maximum: complete one first.", most=most
            )
            await self._send("error", id_, self.operations.refusal(refusal)["errors"])
            return
        self.running[id_] = self.group.create_task(self._run(id_, params))

    async def _run(self, id_: str, params: GraphQLRequest) -> None:
        last: tuple[Any, ...] = "complete", id_
        try:
            async with aclosing(self._payloads(params)) as payloads:
                async for payload in payloads:
                    if "data" not in payload and "hasNext" not in payload:
                        last = "error", id_, payload["errors"]
                        break
                    with self.unsent.holding(payload):
                        await self._send("next", id_, payload)
        finally:
            self._forget(id_)
        await self._send(*last)  # after it the client may use the id again

    async def _payloads(self, params: GraphQLRequest) -> AsyncGenerator[Payload, None]:
        stored = self.operations.stored
        try:
            params = replace(params, query=stored.text(params.query, params.document_id, params.extensions))
            context = replace(self.operations.context(self.terms), room=self.unsent.room)
        except Exception as problem:  # also a bug: the other operations must go on
            yield self.operations.refusal(problem)
            return
        async with aclosing(self.operations.payloads(params, context, EVERYTHING)) as payloads:
            async for payload in payloads:
                yield payload

    def _forget(self, id_: str) -> None:
        """Remove the operation, unless the client has completed it and started another one with the same id."""
        if self.running.get(id_) is asyncio.current_task():
            del self.running[id_]

    async def _send(self, kind: str, id: str | None = None, payload: Payload | list[Any] | None = None) -> None:
        """Send one message at a time, encoded after the last was sent. Raises WebSocketDisconnect on a timeout."""
        async with self.sending:
            text = ws_messages.write(kind, id, payload) if payload is not None else ws_messages.write(kind, id)
            try:
                async with asyncio.timeout(self.patience.send):
                    await self.socket.send_text(text)
            except TimeoutError as exc:
                raise WebSocketDisconnect(Close.AWAY) from exc


async def _close_when_revoked(standing: Standing, client: Client) -> None:
    """Raise Closing when `client` is revoked. Clients of the protocol then connect again, with their current key."""
    problem = await standing.withdrawn(client)
    raise Closing(Close.FORBIDDEN, problem.message)


async def _text(socket: WebSocket) -> str | None:
    """Return the text of the next message; None if it is binary. Raises WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", Close.ENDED))
    text: str | None = message.get("text")
    return text


async def _close(socket: WebSocket, closing: Closing, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await socket.close(closing.code, closing.reason)
    except (TimeoutError, RuntimeError, OSError):
        pass  # the client has disconnected

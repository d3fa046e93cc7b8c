"""GraphQL over WebSocket (subprotocol graphql-transport-ws), for all operations, each with its own context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, assert_never

from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.clients import Client
from gateway.correlation import within
from gateway.errors import GatewayError, TooManyStreams
from gateway.http.completion import correlation_in
from gateway.http.cors import is_own_or_allowed
from gateway.http.long_lived import LongLived
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest, turn_for
from gateway.http.revocation import Standing
from gateway.http.shutdown import Shutdown, end_now
from gateway.http.transports import ws_messages
from gateway.http.transports.operation_stream import EVERYTHING, OperationRunner, Payload
from gateway.http.transports.send_buffer import SendBuffer
from gateway.http.transports.ws_messages import PROTOCOL, Close, Closing, Complete, Init, Message, Ping, Pong, Subscribe
from gateway.operation_events import Transport
from gateway.operations.operation_spans import TraceOrigin
from gateway.operations.running import RunningOperation
from gateway.spans import SpanContext
from gateway.tracebacks import forget_frames

TOO_OLD = "The connection has reached its maximum age: reconnect."
STOPPING = "The gateway is stopping: reconnect."


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
    # For queries and mutations in progress once the process shuts down; the server has two seconds more.
    finish: float = 6.0


def socket_route(
    operations: OperationRunner,
    long_lived: LongLived,
    allowed: Collection[str],
    patience: Timeouts | None = None,
) -> WebSocketRoute:
    return WebSocketRoute("/graphql", WebSocketEndpoint(operations, long_lived, allowed, patience or Timeouts()))


class WebSocketEndpoint:
    """The WebSocket endpoint: an ASGI application with one connection per call."""

    def __init__(
        self,
        operations: OperationRunner,
        long_lived: LongLived,
        allowed: Collection[str],
        patience: Timeouts,
    ) -> None:
        self.operations = operations
        self.long_lived = long_lived
        self.shutdown = long_lived.shutdown
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
        headers = await self._headers(socket)
        terms = _options(headers)
        client = self._client(terms)
        try:
            with self.long_lived.places.held(client.id):
                context = self.operations.running.trace_context(headers)
                session = WebSocketSession(
                    socket, self.operations, terms, client, self.patience, self.shutdown, context=context
                )
                await session.hold(self.long_lived.standing)
        except TooManyStreams as refusal:
            raise Closing(Close.TOO_MANY, refusal.message) from refusal

    async def _headers(self, socket: WebSocket) -> Headers:
        """Return the headers of the handshake, with those of the first message in their place."""
        try:
            async with asyncio.timeout(self.patience.init) as limit:
                with self.shutdown.calling(partial(end_now, limit)):
                    text = await _text(socket)
                    await turn_for(len(text or ""), self.operations.scheduler)
                    first = ws_messages.read(text)
        except TimeoutError as exc:
            if self.shutdown.has_begun:
                raise Closing(Close.AWAY, STOPPING) from exc
            raise Closing(Close.INIT_TIMEOUT, "Connection initialisation timeout") from exc
        if not isinstance(first, Init):
            raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        return Headers({**socket.headers, **first.headers})

    def _client(self, terms: RequestOptions) -> Client:
        try:
            return self.operations.context(terms).client
        except GatewayError as problem:
            raise Closing(Close.FORBIDDEN, problem.message) from problem


@dataclass(frozen=True, slots=True)
class Running:
    """An operation in progress."""

    task: asyncio.Task[None]
    params: GraphQLRequest


class WebSocketSession:
    """The session of an initialised connection."""

    def __init__(
        self,
        socket: WebSocket,
        operations: OperationRunner,
        terms: RequestOptions,
        client: Client,
        patience: Timeouts,
        shutdown: Shutdown,
        *,
        context: SpanContext | None,
    ) -> None:
        """Create the session. `context` is the trace context of the connection."""
        self.context = context
        self.socket = socket
        self.operations = operations
        self.terms = terms
        self.client = client
        self.serials = count(1)
        self.patience = patience
        self.shutdown = shutdown
        self.running: dict[str, Running] = {}
        self.group = asyncio.TaskGroup()
        self.sending = asyncio.Lock()
        self.unsent = SendBuffer()

    async def hold(self, standing: Standing) -> None:
        """Serve the connection until it ends. Raises WebSocketDisconnect, and Closing if the gateway ends it."""
        try:
            async with asyncio.timeout(self.patience.life) as limit, self.group:
                self.group.create_task(_close_when_revoked(standing, self.client))
                with self.shutdown.calling(partial(self._finish, limit)):
                    await self._send("connection_ack")
                    await self._serve()
        except TimeoutError as exc:
            raise Closing(Close.AWAY, STOPPING if self.shutdown.has_begun else TOO_OLD) from exc
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self.running.clear()  # a task cancelled before its start has not removed itself

    async def _serve(self) -> None:
        while True:
            text = await self._next()
            await turn_for(len(text or ""), self.operations.scheduler)
            await self._dispatch(ws_messages.read(text))

    def _finish(self, limit: asyncio.Timeout) -> None:
        """Let queries and mutations end, for a while, and then the connection.

        Its subscriptions are not completed: clients of the protocol connect again, and subscribe again.
        """
        left = {one.task for one in self.running.values() if not self.operations.is_subscription(one.params)}
        end_now(limit, self.patience.finish if left else 0.0)

        def ended(task: asyncio.Task[None]) -> None:
            left.discard(task)
            if not left:
                end_now(limit)

        for task in list(left):
            task.add_done_callback(ended)

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
                if (running := self.running.pop(id_, None)) is not None:
                    running.task.cancel()
            case Subscribe(id_, params):
                # Once the process shuts down nothing new begins: the client sends it again when it has reconnected.
                if not self.shutdown.has_begun:
                    await self._subscribe(id_, params)
            case Pong():
                pass
            case _:
                assert_never(message)

    async def _subscribe(self, id_: str, params: GraphQLRequest) -> None:
        if id_ in self.running:
            raise Closing(Close.DUPLICATE, f"Subscriber for {id_} already exists")
        operation = self._begin(params)
        if len(self.running) >= self.patience.operations:
            await self._refuse(id_, operation)
            return
        task = self.group.create_task(self._run(id_, params, operation))
        task.add_done_callback(partial(_end, operation))  # also of one that is cancelled before its start
        self.running[id_] = Running(task, params)

    def _begin(self, params: GraphQLRequest) -> RunningOperation:
        correlation = correlation_in(self.socket.scope).of_operation(next(self.serials))
        running = self.operations.running
        parent = running.trace_context(ws_messages.headers_in(params.extensions))
        operation = running.begin(correlation, Transport.WEBSOCKET, TraceOrigin(parent, self.context))
        operation.client = self.client.id
        return operation

    async def _refuse(self, id_: str, operation: RunningOperation) -> None:
        most = self.patience.operations
        refusal = TooManyStreams(
            f"{most} operations run on this connection, the maximum: complete one first.", most=most
        )
        with within(operation.correlation):
            errors = self.operations.refusal(refusal, operation)["errors"]
        operation.end(status=None)
        await self._send("error", id_, errors)

    async def _run(self, id_: str, params: GraphQLRequest, operation: RunningOperation) -> None:
        operation.enter()
        last: tuple[Any, ...] = "complete", id_
        try:
            async with aclosing(self._payloads(params, operation)) as payloads:
                async for payload in payloads:
                    if "data" not in payload and "hasNext" not in payload:
                        last = "error", id_, payload["errors"]
                        break
                    with self.unsent.holding(payload):
                        await self._send("next", id_, payload)
        finally:
            self._forget(id_)
        await self._send(*last)  # after it the client may use the id again

    async def _payloads(self, params: GraphQLRequest, operation: RunningOperation) -> AsyncGenerator[Payload, None]:
        stored = self.operations.stored
        operation.text = params.query  # even if it is refused
        try:
            await stored.recall(params.query, params.document_id, params.extensions)
            params = replace(params, query=stored.text(params.query, params.document_id, params.extensions))
            operation.text = params.query
            context = operation.attach(replace(self.operations.context(self.terms), room=self.unsent.room))
        except Exception as problem:  # also a bug: the other operations must go on
            yield self.operations.refusal(problem, operation)
            return
        async with aclosing(self.operations.payloads(params, context, EVERYTHING, operation)) as payloads:
            async for payload in payloads:
                yield payload

    def _forget(self, id_: str) -> None:
        """Remove the operation, unless the client has completed it and started another one with the same id."""
        running = self.running.get(id_)
        if running is not None and running.task is asyncio.current_task():
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


def _end(operation: RunningOperation, task: asyncio.Task[None]) -> None:
    operation.end(status=None, cancelled=task.cancelled() or task.exception() is not None)


def _options(headers: Headers) -> RequestOptions:
    try:
        return RequestOptions.of(headers, streams=True)
    except GatewayError as problem:
        raise Closing(Close.INVALID, problem.message) from problem


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

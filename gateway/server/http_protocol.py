"""The HTTP/1.1 protocol of uvicorn with limits of size and time, which hold before a peer has shown a key."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from gateway.http.shutdown import NEVER, STATE, Shutdown
from gateway.http.unsent import READER
from gateway.server.bounded_connection import LINGER, BoundedConnection
from gateway.server.progress import ProgressTimeout
from gateway.server.reading import announced_length, is_answered
from gateway.server.refusals import MOST_FIELDS, MOST_HEAD, TEXTS
from gateway.server.websocket_protocol import WebSocketProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

    from gateway.server.server import ServerConfig

MOST_HANDSHAKE = 16_384  # bytes of the head of a WebSocket handshake, which is kept while the connection is open
HEAD_SECONDS = 10.0
# Bytes of chunked framing (sizes, extensions, trailers) per byte of the body, in addition to MOST_HEAD. A body with one
# byte per chunk takes five.
MOST_FRAMING = 8
# Bytes parsed before the limits are checked again: fifty of the smallest requests, or one of usual size. A body with a
# content length is parsed at once.
PIECE = 1_024  # bytes
# Maximum weight of data longer than a piece, in pieces: of a body only the first piece is parsed.
MOST_WEIGHT = 16


class HttpProtocol(BoundedConnection):
    """One HTTP connection, whose heads and bodies are bounded and must come in time."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._turns = config.turns
        self._shutdown: Shutdown = app_state.get(STATE, NEVER)
        self._is_next = False  # starting a pipelined request, which waited for the response to another
        self._unfed = b""
        self._is_waiting = False  # for a turn in which its data is parsed
        self._status = 400  # the status of a request that cannot be parsed
        # The state of the message that is being read: its head or its body.
        self._messages = 0
        self._in_head = False
        self._in_body = False
        self._head = 0
        self._head_since: float | None = None
        self._fields = 0
        self._body = self._framing = 0
        self._announced: int | None = None
        self._reading = ProgressTimeout()
        self._unwanted_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._head_since = self.loop.time()

    def _drop(self) -> None:
        super()._drop()
        self._unfed = b""

    def handle_websocket_upgrade(self) -> None:
        """Refuse handshakes that the WebSocket parser would drop without a response; start others in a later turn."""
        if self._is_over or self._abort_if_busy():
            return
        fields = list(self.scope["headers"])
        lengths = [len(self.url), *(len(name) + len(value) for name, value in fields)]
        is_long = max(lengths) > MAX_LINE_LENGTH - len(b"GET  HTTP/1.1\r\n") or sum(lengths) > MOST_HANDSHAKE
        if is_long or len(fields) > MAX_NUM_HEADERS:
            self._refuse(431)
            return
        self._is_over = True
        self.flow.pause_reading()
        self._turns.take(self._shake_hands, self.loop)

    def _abort_if_busy(self) -> bool:
        """Abort while an earlier response is not made or not read: after the switch nothing would end it."""
        is_busy = self.flow.write_paused or not is_answered(self._running)
        if is_busy:
            self.transport.abort()
        return is_busy

    def _shake_hands(self) -> None:
        if self.transport.is_closing() or self._abort_if_busy():
            return
        self.flow.resume_reading()
        self.ws_protocol_class = partial(WebSocketProtocol, client=self.scope["client"])  # type: ignore[assignment]
        super().handle_websocket_upgrade()
        # The parser refers to this protocol, which gets no `connection_lost` from now on.
        self.parser = None  # type: ignore[assignment]
        self._release()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unset_keepalive_if_required()  # what waits for its turn has come in time
        if self._is_waiting:
            self._unfed += data
            self._hold_unfed()
        elif self._unfed or len(data) > self._room() or self.pipeline:
            self._unfed += data
            self._feed_soon()
        elif self._turns.admits(self.loop):
            self._feed(data)
        else:
            self._unfed = data
            self._feed_later()

    def _feed_soon(self) -> None:
        """Parse the data now or in a later turn; held data is parsed once the request before it is answered."""
        if self.flow.is_held:
            self._hold_unfed()
        elif self._turns.admits(self.loop, min(1 + len(self._unfed) // PIECE, MOST_WEIGHT)):
            self._feed_all()
        else:
            self._feed_later()

    def _feed_later(self) -> None:
        """Parse the data in a later turn. One piece is not counted: it is as cheap to hold as an unfinished head."""
        self._is_waiting = True
        is_short = len(self._unfed) <= PIECE
        self._turns.take(self._feed_in_turn, self.loop, is_short=is_short)
        if not is_short:
            self._hold_unfed()

    def _feed_in_turn(self) -> None:
        self._is_waiting = False
        if not (self._is_over or self.transport.is_closing()):
            self._feed_all()
            if is_answered(self.cycle) or len(self.cycle.body) <= HIGH_WATER_LIMIT:
                self.flow.read_on()

    def _feed_all(self) -> None:
        """Parse data until a pipelined request has to wait for a response; the connection is not read meanwhile."""
        data, at = memoryview(self._unfed), 0
        while at < len(data) and not (self.pipeline or self._is_over or self.transport.is_closing()):
            if (room := self._room()) > 0:
                self._feed(data[at : at + room])
                at += room
            else:
                self._refuse(431)
        self._unfed = b"" if self._is_over else bytes(data[at:])
        self._hold_unfed()

    def _hold_unfed(self) -> None:
        """Count unparsed data, and pause reading from the connection until it is parsed."""
        self.flow.is_held = bool(self._unfed)
        if self._unfed and not self.flow.read_paused:
            self.flow.pause_reading()
        if not self._pipelined.hold(len(self._unfed)):
            self._refuse(503)

    def _room(self) -> int:
        return max(PIECE, self._missing()) if self._in_body else min(PIECE, MOST_HEAD - self._head)

    def _missing(self) -> int:
        """Return the missing bytes of a body with a content length: the next bytes, up to that many, are only body."""
        if self._announced is None:
            self._announced = announced_length(self.headers)
        return self._announced - self._body

    def _feed(self, piece: bytes | memoryview) -> None:
        messages, was_in_body, body = self._messages, self._in_body, self._body
        super().data_received(piece)  # type: ignore[arg-type]  # any bytes-like object
        if self._is_over:
            return
        if self._in_body:
            del self.headers[self._fields :]  # trailers, which are not used
            if was_in_body and messages == self._messages:
                self._framing += len(piece) - (self._body - body)
                self._check_framing()
        elif messages == self._messages:
            self._head += len(piece)
            self._hold()

    def _check_framing(self) -> None:
        if self._framing > MOST_HEAD + MOST_FRAMING * self._body:
            self._refuse(431)

    def _hold(self) -> None:
        """Count the bytes of a head beyond a piece. The first piece is bounded by the number of connections."""
        if self._head > PIECE and not self._held.hold(self._head - PIECE):
            self._refuse(503)

    # Parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[READER] = self._reader  # type: ignore[literal-required]  # a key of the gateway
        self._in_head = True

    def on_headers_complete(self) -> None:
        if self._is_over:
            return
        self._in_head, self._head_since = False, None
        self._held.hold(0)
        self._head = self._body = self._framing = 0
        self._announced = None
        self._fields = len(self.headers)
        if self._fields > MOST_FIELDS:
            self._stop(431)
        if self._is_proxy and not self._forward():
            self._stop(503)
        self._in_body = True
        super().on_headers_complete()
        if self._shutdown.is_announced and self.cycle is not None:
            self.cycle.keep_alive = False

    def _stop(self, status: int) -> NoReturn:
        """Make the parser stop, so that the request is refused."""
        self._status = status
        raise ValueError(TEXTS[status])

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self._is_over:
            return
        super().on_body(body)
        if not is_answered(self.cycle) and not self._takes(self.cycle.body):
            self._refuse(503)

    def _takes(self, body: bytearray) -> bool:
        """Count an unread body, unless it fits in a piece: those are bounded by the number of connections."""
        return len(body) <= PIECE or self._untaken.hold(len(body))

    def on_message_complete(self) -> None:
        del self.headers[self._fields :]
        self._in_body = False
        self._unwanted_since = None
        if self._leaving.amount and not self._is_over:
            self._leaving.hold(0)
        self._reading.stop()
        self._messages += 1
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        if self._is_next:
            self._turns.take(partial(self._start_next, cycle, app), self.loop)
        else:
            super()._start_asgi_task(cycle, app)

    def _start_next(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if not cycle.disconnected:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._drop_rest()
        self._is_next = True
        super().on_response_complete()
        self._is_next = False
        if self._is_proxy and is_answered(self.cycle):
            self._connection.move(self._peer)
        if self._unfed and not self._is_waiting:
            self._feed_all()
            self.flow.resume_reading()

    def _drop_rest(self) -> None:
        """Drop the rest of a body after the response. It is still received for a while, or the connection is closed."""
        assert self._running is not None, "a request is answered when it runs"
        self._running.body.clear()
        is_arriving = self._in_body and self._running is self.cycle
        if is_arriving and not self.transport.is_closing() and not self._leaving.hold(1):
            self.transport.close()

    # Timeouts

    def _check(self) -> None:
        """Close the connection of a peer that does not send or read what is waited for."""
        super()._check()
        now = self.loop.time()
        if self.flow.read_paused or self.transport.is_closing():
            self._reading.stop()
        elif self._in_body:
            self._check_body(now)
        elif self._in_head or self._head or self._head_since is not None:
            self._check_head(now)

    def _check_head(self, now: float) -> None:
        if self._head_since is None:
            self._head_since = now
        elif now - self._head_since >= HEAD_SECONDS and not (self._in_head or self._head):
            self.transport.close()
        elif now - self._head_since >= HEAD_SECONDS:
            self._refuse(408)

    def _check_body(self, now: float) -> None:
        if not is_answered(self.cycle):
            if self._reading.is_too_slow(self._body, now):
                self._refuse(408)
        elif self._unwanted_since is None:
            self._unwanted_since = now
        elif now - self._unwanted_since >= LINGER:
            self.transport.close()

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be parsed. Called by uvicorn."""
        self._refuse(self._status)

    def _may_answer(self) -> bool:
        """Return whether a refusal would be taken for the response to the request that is being read."""
        return super()._may_answer() or (self._in_body and not (self.pipeline or self.cycle.response_started))

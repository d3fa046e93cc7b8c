"""HTTP/1.1 as uvicorn speaks it, within bounds: what a peer may send, and how long it may take, before it has a key."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from gateway.domain.shares import Share
from gateway.http.unsent import READER
from gateway.server.peers import peer_of
from gateway.server.progress import ProgressTimeout
from gateway.server.reading import HeldFlow, announced_length, disconnect, is_answered
from gateway.server.refusals import MOST_FIELDS, MOST_HEAD, TEXTS, refusal

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

    from gateway.server.server import ServerConfig

MOST_HANDSHAKE = 16_384  # bytes of the head of a WebSocket's, which is kept as long as that is open
HEAD_SECONDS = 10.0
# Bytes of a body's chunks that are not the body itself: sizes, extensions, trailers. For each byte of the body, beside
# MOST_HEAD of them; a body that comes byte by byte takes five.
MOST_FRAMING = 8
# So much is parsed before it is looked at what came of it: fifty of the smallest requests, or one as usual. What is
# announced of a body is parsed at once.
PIECE = 1_024  # bytes
# Of what is longer than a piece, in pieces: of a body no more is parsed than its first one.
MOST_WEIGHT = 16
TICK = 2.0  # seconds between two looks at a connection
# For the rest of a body that nobody reads any more, and for the peer to read why it is refused.
LINGER = 5.0  # seconds


class HttpProtocol(HttpToolsProtocol):
    """One connection. It counts in `config.peers`."""

    config: ServerConfig
    flow: HeldFlow

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._peers, self._turns = config.peers, config.turns
        self._tick: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._is_next = False  # a request is begun that waited for the answer to another
        self._unfed = b""
        self._is_waiting = False  # for its turn to be parsed
        self._is_over = False  # refused, or a WebSocket now
        self._status = 400  # that a request which cannot be parsed is refused with
        # Of the message that is being read: its head, or its body.
        self._messages = 0
        self._in_head = False
        self._in_body = False
        self._head = 0
        self._head_since: float | None = None
        self._fields = 0
        self._body = self._framing = 0
        self._announced: int | None = None
        self._reading, self._writing = ProgressTimeout(), ProgressTimeout()
        self._unwanted_since: float | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._share(peer_of(transport))
        self.flow = HeldFlow(transport, self._untaken)
        if not self._place.hold(1):
            self._refuse(503, linger=0.0)
            return
        self._head_since = self.loop.time()
        self._tick = self.loop.call_later(TICK, self._look)

    def _share(self, peer: str) -> None:
        """What this connection has of what its peer may have."""
        peers = self._peers
        self._place, self._leaving = Share(peers.connections, peer), Share(peers.leavings, peer)
        self._held = Share(peers.heads, peer)
        self._reader, self._buffered = self.config.unsent.reader(peer, self.transport.abort), 0
        self._untaken, self._behind = Share(peers.bodies, peer), Share(peers.bodies, peer)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        disconnect(self._running)  # uvicorn tells the last one that was read
        self._hold_buffer(0)
        self._drop()
        self._leave()

    def _drop(self) -> None:
        """What came, and will not be read."""
        for cycle in (self._running, self.cycle):
            if cycle is not None:
                cycle.body.clear()
        self.pipeline.clear()
        self._unfed = b""
        for share in (self._held, self._untaken, self._behind):
            share.hold(0)

    def _leave(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        for share in (self._held, self._leaving, self._place):
            share.hold(0)

    def handle_websocket_upgrade(self) -> None:
        """What the WebSocket's own parser would drop without an answer is refused here."""
        if self._is_over:
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

    def _shake_hands(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        super().handle_websocket_upgrade()
        # It holds this protocol, which nobody tells of the connection's end.
        self.parser = None  # type: ignore[assignment]
        self._leave()

    # What comes

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
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
        """Unless it will be fed anyhow, when the request before it is answered."""
        if self.flow.is_held:
            self._hold_unfed()
        elif self._turns.admits(self.loop, min(1 + len(self._unfed) // PIECE, MOST_WEIGHT)):
            self._feed_all()
        else:
            self._feed_later()

    def _feed_later(self) -> None:
        """What is short is one piece, and as cheap to keep as a head that has begun."""
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
        """As long as no request waits for the answer to another: the connection is not read meanwhile."""
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
        """Nothing else is read from the connection until it is parsed."""
        self.flow.is_held = bool(self._unfed)
        if self._unfed and not self.flow.read_paused:
            self.flow.pause_reading()
        if not self._behind.hold(len(self._unfed)):
            self._refuse(503)

    def _room(self) -> int:
        return max(PIECE, self._left()) if self._in_body else min(PIECE, MOST_HEAD - self._head)

    def _left(self) -> int:
        """Of a body that announced its length: nothing else is in so many bytes."""
        if self._announced is None:
            self._announced = announced_length(self.headers)
        return self._announced - self._body

    def _feed(self, piece: bytes | memoryview) -> None:
        messages, was_in_body, body = self._messages, self._in_body, self._body
        super().data_received(piece)  # type: ignore[arg-type]  # whatever holds bytes
        if self._is_over:
            return
        if self._in_body:
            del self.headers[self._fields :]  # trailers, which nobody reads
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
        """A head that fits in a piece is bounded by the number of connections."""
        if self._head > PIECE and not self._held.hold(self._head - PIECE):
            self._refuse(503)

    # What is found in it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[READER] = self._reader  # type: ignore[literal-required]  # it is our own
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
            self._status = 431
            raise ValueError(TEXTS[431])  # the parser gives up, and the request is refused
        self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self._is_over:
            return
        super().on_body(body)
        if not is_answered(self.cycle) and not self._takes(self.cycle.body):
            self._refuse(503)

    def _takes(self, body: bytearray) -> bool:
        """What fits in a piece is bounded by the number of connections."""
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
        if self._unfed and not self._is_waiting:
            self._feed_all()
            self.flow.resume_reading()

    def _drop_rest(self) -> None:
        """Of a body whose request is answered. What still comes of it is read for a while, or not at all."""
        assert self._running is not None, "a request is answered when it runs"
        self._running.body.clear()
        comes = self._in_body and self._running is self.cycle
        if comes and not self.transport.is_closing() and not self._leaving.hold(1):
            self.transport.close()

    # Time

    def pause_writing(self) -> None:
        super().pause_writing()
        self._hold_buffer(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writing.stop()
        self._hold_buffer(0)

    def _hold_buffer(self, size: int) -> None:
        """What the server itself has of answers."""
        if size < self._buffered:
            self._reader.note()
        more, self._buffered = size - self._buffered, size
        self._reader.hold(more)

    def _look(self) -> None:
        """Cuts off a peer that sends nothing, or takes nothing, though it is waited for."""
        now = self.loop.time()
        self._hold_buffer(self.transport.get_write_buffer_size())
        if self._buffered:
            self._reader.check()
        self._tick = self.loop.call_later(TICK, self._look)
        self._check_writing(now)
        if self.flow.read_paused or self.transport.is_closing():
            self._reading.stop()
        elif self._in_body:
            self._check_body(now)
        elif self._in_head or self._head or self._head_since is not None:
            self._check_head(now)

    def _check_writing(self, now: float) -> None:
        """What is not taken is neither followed by more, nor left when the connection is closed."""
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._writing.stop()
        elif self._writing.is_too_slow(-self.transport.get_write_buffer_size(), now):
            self.transport.abort()

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
        """For what cannot be parsed."""
        self._refuse(self._status)

    def _refuse(self, status: int, *, linger: float = LINGER) -> None:
        """Says why, where that is no answer to another request, and closes.

        A peer that is still sending would lose the answer, were the connection closed before it has read that.
        """
        if self._is_over or self.transport.is_closing():
            return
        self._is_over = True
        if self._may_answer():
            self.transport.write(refusal(status))
        disconnect(self._running)
        disconnect(self.cycle)
        self._drop()
        if not (linger and self.transport.can_write_eof() and self._leaving.hold(1)):
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.is_held = False
        self.flow.resume_reading()
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self.loop.call_later(linger, self.transport.abort)

    def _may_answer(self) -> bool:
        if self.pipeline:
            return False
        return is_answered(self.cycle) or (self._in_body and not self.cycle.response_started)

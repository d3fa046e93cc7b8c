"""The WebSocket protocol of uvicorn with limits: on data before the first message, and on slow peers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode

from gateway.domain.hosts import network_of
from gateway.server.progress import ProgressTimeout

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
    from websockets.frames import Frame

    from gateway.server.server import ServerConfig

# Before the first message is complete, which holds a key and little else.
MOST_UNKNOWN = 16_384  # bytes
MOST_FRAGMENTS = 1_000  # frames of one message, which may be empty
# Bytes parsed per turn. The smallest frames have six bytes, and each one is processed, so other tasks run in between.
PIECE = 4_096  # bytes
TICK = 10.0  # seconds between two checks of a connection
CLOSING = 1.0  # seconds for the peer's reply to the close of a process that shuts down


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection, counted in `config.peers`. While its peer does not read, nothing is read from it."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        client: tuple[str, int] | None,
    ) -> None:
        """Create the protocol. `client` is the peer, also where a trusted proxy forwards for it."""
        super().__init__(config, server_state, app_state, _loop)
        self._peers = config.peers
        self._client = client
        self._peer = network_of(client[0]) if client else ""
        self._tick: asyncio.TimerHandle | None = None
        self._writing = ProgressTimeout()
        self._unfed = b""
        self._feeding: asyncio.Handle | None = None
        self._unknown = 0
        self._is_known = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.client = self._client
        self._peers.connections.add(self._peer, 1)  # it was within the limits before the handshake
        self._tick = self.loop.call_later(TICK, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unfed = b""
        for timer in (self._tick, self._feeding):
            if timer is not None:
                timer.cancel()
        self._peers.connections.subtract(self._peer, 1)

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)  # the head, which the HTTP protocol has parsed
            return
        self._unfed += data
        if self._feeding is None:
            self._feed()

    def _feed(self) -> None:
        """Parse a piece, unless the application or the peer has not read the messages before."""
        self._feeding = None
        if self.transport.is_closing():
            self._unfed = b""
        elif self._unfed and not self._is_full():
            piece, self._unfed = self._unfed[:PIECE], self._unfed[PIECE:]
            if self._takes(piece):
                super().data_received(piece)
        self._pause()

    def _is_full(self) -> bool:
        return self.read_paused or not self.writable.is_set()

    def _takes(self, piece: bytes) -> bool:
        if self._is_known:
            return True
        self._unknown += len(piece)
        if self._unknown > MOST_UNKNOWN:
            self._fail("The first message is too large")
        return self._unknown <= MOST_UNKNOWN

    def _pause(self) -> None:
        """Pause reading until all received data has been parsed and read."""
        if self.transport.is_closing():
            return
        if self._unfed or self._is_full():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
        if self._unfed and not self._is_full() and self._feeding is None:
            self._feeding = self.loop.call_soon(self._feed)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._fail("The message has too many fragments")

    def send_receive_event_to_app(self) -> None:
        self._is_known = True
        super().send_receive_event_to_app()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        self._pause()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # A handshake that is rejected by a response is complete, too; else uvicorn would log an error.
            self.handshake_complete = True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writing.stop()
        self._pause()

    def shutdown(self) -> None:
        """Let the application close the connection, once its operations have ended.

        uvicorn would close it at once, with a code that says nothing of the gateway.
        """
        self.close_timeout = CLOSING
        if self.close_sent:
            self.loop.call_later(CLOSING, self.transport.close)
        elif not self.handshake_complete:
            super().shutdown()

    def _check(self) -> None:
        self._tick = self.loop.call_later(TICK, self._check)
        if not (self.transport.is_closing() or not self.writable.is_set()):
            self._writing.stop()
        elif self._writing.is_too_slow(-self.transport.get_write_buffer_size(), self.loop.time()):
            self.transport.abort()

    def _fail(self, reason: str) -> None:
        if not self.handshake_complete:
            self.transport.abort()
        elif not self.close_sent:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, reason)
            self.handle_parser_exception()

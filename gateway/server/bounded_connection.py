"""A connection of uvicorn that is counted and bounded: what it holds, how slowly it is read, how it is refused.

A connection of a trusted proxy is counted for the peer that the proxy names while it has a request of that peer, and by
itself between two requests.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from gateway.domain.hosts import network_of
from gateway.domain.shares import Share
from gateway.server.peers import connection_of, peer_of
from gateway.server.progress import ProgressTimeout
from gateway.server.reading import HeldFlow, disconnect, is_answered
from gateway.server.refusals import refusal

if TYPE_CHECKING:
    from gateway.server.server import ServerConfig

TICK = 2.0  # seconds between two checks of a connection
# For receiving the unread rest of a body, and for the peer to read the refusal.
LINGER = 5.0  # seconds


class BoundedConnection(HttpToolsProtocol):
    """One HTTP connection, counted in `config.peers`."""

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
        self._tick: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._is_over = False  # refused, or a WebSocket now
        self._writing = ProgressTimeout()
        self._is_proxy = False
        self._connection = Share(config.peers.connections, "")

    def admit(self, transport: asyncio.Transport) -> bool:
        """Count the connection, and return whether it is within the limits. With TLS this precedes the handshake."""
        client = get_remote_addr(transport)
        self._is_proxy = client is not None and self.config.proxies.trusts(client[0])
        self._peer = connection_of(transport) if self._is_proxy else peer_of(transport)
        self._connection.move(self._peer)
        return self._connection.hold(1)

    def leave(self) -> None:
        """Count a connection no more that was admitted and never made."""
        self._connection.hold(0)
        self.parser = None  # type: ignore[assignment]  # it refers to this protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        is_admitted = bool(self._connection.amount) or self.admit(transport)
        self._share(self._peer, transport)
        if not is_admitted:
            self._refuse(503, linger=0.0)
            return
        self._tick = self.loop.call_later(TICK, self._check)

    def _share(self, peer: str, transport: asyncio.Transport) -> None:
        """Create the shares of this connection in the limits of its peer."""
        peers = self.config.peers
        self._leaving, self._held = Share(peers.leavings, peer), Share(peers.heads, peer)
        self._untaken, self._pipelined = Share(peers.bodies, peer), Share(peers.bodies, peer)
        self.flow = HeldFlow(transport, self._untaken)
        self._reader, self._buffered = self.config.unsent.reader(peer, transport.abort, self.flow), 0

    def _forward(self) -> bool:
        """Count the request for the peer that the proxy names, and return whether it is within the peer's limit."""
        assert self.client is not None, "a proxy has an address"
        address = self.config.proxies.peer(self.client[0], self.headers)
        self.scope["client"] = (address, 0)
        peer = network_of(address)
        for share in (self._untaken, self._pipelined, self._leaving):
            share.move(peer)
        self._reader.move(peer)
        return self._connection.move(peer)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        disconnect(self._running)  # uvicorn notifies only the last request that was read
        self._drop()
        self._release()

    def _drop(self) -> None:
        """Drop received data that will not be read."""
        for cycle in (self._running, self.cycle):
            if cycle is not None:
                cycle.body.clear()
        self.pipeline.clear()
        for share in (self._held, self._untaken, self._pipelined):
            share.hold(0)

    def _release(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        for share in (self._held, self._leaving, self._connection):
            share.hold(0)
        self._hold_buffer(0)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._hold_buffer(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writing.stop()
        self._hold_buffer(0)

    def _hold_buffer(self, size: int) -> None:
        """Count the bytes of responses in the write buffer."""
        if size < self._buffered:
            self._reader.note()
        more, self._buffered = size - self._buffered, size
        self._reader.hold(more)

    def _check(self) -> None:
        """Close the connection of a peer that does not read what is waited for."""
        self._hold_buffer(self.transport.get_write_buffer_size())
        if self._buffered:
            self._reader.check()
        self._tick = self.loop.call_later(TICK, self._check)
        self._check_writing(self.loop.time())

    def _check_writing(self, now: float) -> None:
        """Abort a connection whose peer reads too slowly, also while it is closing: its buffer would stay."""
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._writing.stop()
        elif self._writing.is_too_slow(-self.transport.get_write_buffer_size(), now):
            self.transport.abort()

    def _refuse(self, status: int, *, linger: float = LINGER) -> None:
        """Send the reason, unless it would be taken for the response to another request, and close the connection.

        The connection stays half-open for `linger` seconds: closing it at once would reset it, and a peer that is still
        sending would lose the response.
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
        """Return whether the peer waits for no response to an earlier request."""
        return not self.pipeline and is_answered(self.cycle)

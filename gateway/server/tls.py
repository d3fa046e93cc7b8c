"""TLS on the server's connections, with the limits that hold without it.

A connection is counted for its peer before its handshake, so handshakes that are never finished are limited as other
connections are. The computation of handshakes is done in turns, so that many of them delay no other connection for
long. What TLS buffers below a protocol is counted, and not read while the protocol does not read.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.server import ServerState
from uvloop.loop import SSLProtocol  # type: ignore[attr-defined]  # its type hints leave it out

from gateway.server.http_protocol import HEAD_SECONDS, HttpProtocol

if TYPE_CHECKING:
    from gateway.server.server import ServerConfig

# Bytes of encrypted data beyond which a response waits for its peer: as many as without TLS.
HIGH_WATER = 65_536


class TlsProtocol(SSLProtocol):  # type: ignore[misc]  # as above
    """One TLS connection, which carries an HttpProtocol."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        loop = _loop or asyncio.get_running_loop()
        self._http = HttpProtocol(config, server_state, app_state, loop)
        self._object = PacedObject(config, loop, self._go_on)
        super().__init__(loop, self._http, self._object, None, server_side=True, ssl_handshake_timeout=HEAD_SECONDS)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin the handshake, unless the peer has too many connections."""
        self._wire = transport
        if self._http.admit(transport):
            super().connection_made(transport)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._object.end()
        if self._http.transport is None:
            self._http.leave()
        del self._http, self._wire  # which refer to this object

    def _get_app_transport(self, context: object = None) -> TlsTransport:
        """Return the transport for the HttpProtocol. uvloop calls it once, after the handshake."""
        return TlsTransport(super()._get_app_transport(context), self._wire)

    def _go_on(self) -> None:
        self.buffer_updated(0)  # the handshake goes on with the data that has arrived


class PacedObject:
    """The SSL object of one connection, whose handshake computes in the turns of its process.

    uvloop takes it for the SSL context, too, of which it calls `wrap_bio`.
    """

    def __init__(self, config: ServerConfig, loop: asyncio.AbstractEventLoop, resume: Callable[[], None]) -> None:
        """Create the object. `resume` has `do_handshake` called again."""
        self._context = config.tls_context
        self._turns = config.turns
        self._loop = loop
        self._resume: Callable[[], None] | None = resume
        self._is_waiting = self._has_turn = False

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **options: Any) -> PacedObject:
        self._incoming = incoming
        made = self._context.wrap_bio(incoming, outgoing, **options)
        self._do_handshake = made.do_handshake
        self.read, self.write, self.pending, self.unwrap = made.read, made.write, made.pending, made.unwrap
        self.getpeercert, self.cipher, self.compression = made.getpeercert, made.cipher, made.compression
        return self

    def do_handshake(self) -> None:
        """Go on with the handshake now or in a later turn. Raise SSLWantReadError and other SSLErrors."""
        if self._incoming.pending and not (self._has_turn or self._begins_now()):
            self._wait()
            raise ssl.SSLWantReadError
        self._has_turn = False
        self._do_handshake()

    def end(self) -> None:
        """Drop what refers to the connection."""
        self._resume = None

    def _begins_now(self) -> bool:
        return not self._is_waiting and self._turns.admits(self._loop)

    def _wait(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._turns.take(self._take_turn, self._loop, is_short=True)

    def _take_turn(self) -> None:
        self._is_waiting = False
        if self._resume is not None:
            self._has_turn = True
            self._resume()


class TlsTransport(asyncio.Transport):
    """The transport of a protocol above TLS. `wire` is the transport below it.

    A protocol that pauses reading has the wire paused as well, and unsent bytes are counted in both: TLS alone would
    receive a further quarter of a megabyte, and not see what the wire has not sent.
    """

    def __init__(self, tls: asyncio.Transport, wire: asyncio.Transport) -> None:
        super().__init__()
        self._tls = tls
        self._wire = wire
        tls.set_write_buffer_limits(HIGH_WATER)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tls.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._tls.set_protocol(protocol)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._tls.write(data)

    def is_closing(self) -> bool:
        return self._tls.is_closing()

    def abort(self) -> None:
        self._tls.abort()

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        """Close the connection. The peer's last message is read for it."""
        self._tls.close()
        self._wire.resume_reading()

    def pause_reading(self) -> None:
        self._tls.pause_reading()
        if not self._wire.is_closing():
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        self._tls.resume_reading()
        self._wire.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._tls.get_write_buffer_size() + self._wire.get_write_buffer_size()

"""The server of one process, which drains before it shuts down."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.shutdown import STATE, Shutdown
from gateway.server.server import ServerConfig


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which tells the application's `Shutdown` that it drains, and that it ends.

    SIGTERM makes it drain for `config.drain` seconds, a second signal ends the drain; SIGINT ends it at once. A worker
    is told to drain by its supervisor, and a signal ends it.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self._is_drained_by_signal = config.workers == 1 and config.drain > 0
        self._is_draining = False
        self._drained_at: float | None = None

    def drain(self) -> None:
        """Begin the drain with the next tick. Signal handlers and other threads may call it. Idempotent."""
        self._is_draining = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._is_drained_by_signal and self.started and not self._is_draining:
            self._captured_signals.append(sig)
            self.drain()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._is_draining and not self.should_exit:
            self._drain_for(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does, after the application was told: nobody connects any more, and no stream goes on."""
        for server in self.servers:
            server.close()
        self._application.begin()
        await super().shutdown(sockets)

    @property
    def _application(self) -> Shutdown:
        """The shutdown of the application, which the sandbox does not have."""
        found = self.lifespan.state.setdefault(STATE, Shutdown())
        assert isinstance(found, Shutdown)
        return found

    def _drain_for(self, now: float) -> None:
        if self._drained_at is None:
            self._drained_at = now + self.config.drain
            self._application.drain(self.config.drain)
            for connection in self.server_state.connections:
                _close_after_response(connection)
        self.should_exit = now >= self._drained_at


def _close_after_response(connection: object) -> None:
    """Let a request in progress be the last of its connection. An idle one stays open until its next request."""
    if isinstance(connection, HttpToolsProtocol) and connection.cycle is not None:
        connection.cycle.keep_alive = False

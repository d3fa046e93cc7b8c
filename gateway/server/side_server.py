"""A second HTTP server of the process, in a thread with an event loop of its own.

What it renders does not hold the loop of the gateway, and it answers while that loop is blocked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import uvloop
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from gateway.server.peers import Ceilings
from gateway.server.server import ServerConfig, ServerOptions

CEILINGS = Ceilings(each=20, total=40)


class SideServer:
    """The server of `app` on `listener`, with the limits of the gateway's own connections, but fewer of them."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._config = ServerConfig(app, ServerOptions(CEILINGS), lifespan="off")
        self._listener = listener
        self._loop = uvloop.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve while the block runs. Connections are accepted from the start on, because the socket listens."""
        self._thread.start()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._config.load()
        state = ServerState()

        def protocol() -> asyncio.Protocol:
            return self._config.http_protocol_class(config=self._config, server_state=state, app_state={})  # type: ignore[call-arg]

        server = await asyncio.get_running_loop().create_server(protocol, sock=self._listener)
        await self._stopped.wait()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()

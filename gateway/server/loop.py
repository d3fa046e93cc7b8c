"""An uvloop event loop that accepts many connections per turn.

libuv accepts one connection per turn and listening socket: behind a thousand connections that one peer has opened at
once, the next peer would wait for a thousand turns.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import uvloop

MOST_PER_TURN = 64

Factory: TypeAlias = Callable[[], asyncio.Protocol]


class Loop(uvloop.Loop):
    async def create_server(  # type: ignore[override]  # as uvicorn calls it
        self, protocol_factory: Factory, *args: Any, sock: socket.socket | None = None, **options: Any
    ) -> asyncio.AbstractServer:
        server = await super().create_server(protocol_factory, *args, sock=sock, **options)
        return server if sock is None else Listening(self, server, sock, protocol_factory)


class Listening(asyncio.AbstractServer):
    """A server that accepts further connections through a second handle of the listening socket."""

    def __init__(self, loop: Loop, server: Any, listener: socket.socket, protocol_factory: Factory) -> None:
        self._loop = loop
        self._server = server
        self._protocol_factory = protocol_factory
        self._accepting = set[asyncio.Task[Any]]()
        self._listener = listener.dup()
        self._listener.setblocking(False)
        loop.add_reader(self._listener, self._accept)

    @property
    def sockets(self) -> Sequence[Any]:
        return tuple(self._server.sockets)

    def is_serving(self) -> bool:
        return bool(self._server.is_serving())

    def get_loop(self) -> Loop:
        return self._loop

    async def start_serving(self) -> None:
        await self._server.start_serving()

    async def serve_forever(self) -> None:
        await self._server.serve_forever()

    def close(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        self._server.close()

    async def wait_closed(self) -> None:
        await self._server.wait_closed()

    def _accept(self) -> None:
        for _ in range(MOST_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except OSError:  # no connection is waiting, or no file descriptor is left
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol_factory, connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

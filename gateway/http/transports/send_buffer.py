"""The bound of what a WebSocket has not sent yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.execution.sizes import least_size
from gateway.http.transports.operation_stream import Payload

# Bytes of a connection's payloads that are not sent yet. Beyond them no further operation of it is executed.
MOST_UNSENT = 2**20


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

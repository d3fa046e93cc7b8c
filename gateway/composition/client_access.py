"""The clients of one process: their keys, when these were used, and the connections that they hold open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.clients import Clients
from gateway.clients.usage import Uses, UsesUnreadable
from gateway.clock import Clock
from gateway.composition.background import background
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.long_lived import LongLived
from gateway.http.revocation import Standing
from gateway.http.shutdown import Shutdown
from gateway.migrations import StoreTooNew
from gateway.settings import Settings

USES_SECONDS = 60.0


class ClientAccess:
    """The clients of the settings' file; without a file one client, which needs no key."""

    def __init__(self, settings: Settings, clock: Clock, shutdown: Shutdown) -> None:
        """Read the file. Raise ClientsFileError."""
        self.clients = Clients.load(settings.clients_file, clock) if settings.clients_file else Clients.local()
        self.standing = Standing(self.clients, clock)
        self.long_lived = LongLived(ConnectionLimiter(settings.connections), self.standing, shutdown)
        self._data_dir = settings.data_dir
        self._clock = clock

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with background(self._watch_keys, self.standing.watch):
                yield
        finally:
            await self._note_uses()

    async def _watch_keys(self) -> None:
        while True:
            await self._clock.sleep(USES_SECONDS)
            await self._note_uses()

    async def _note_uses(self) -> None:
        """Record when keys were last used. Failures are ignored, because the record is informational."""
        if uses := self.clients.take_uses():
            with contextlib.suppress(UsesUnreadable, StoreTooNew):
                await asyncio.to_thread(Uses(self._data_dir).note, uses)

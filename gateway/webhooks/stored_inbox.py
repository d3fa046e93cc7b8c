"""The inbox over its SQL store: each call runs in a thread, and no caller waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.clock import Clock
from gateway.errors import Unusable
from gateway.store_threads import StoreThreads
from gateway.webhooks.inbox import InboxUnavailable, StoredBody
from gateway.webhooks.inbox_store import InboxStore

T = TypeVar("T")

# The database ends a statement earlier.
CALL_SECONDS = 5.0
THREADS = 2
TOO_LONG = "The inbox of webhooks took too long: retry later."


class StoredInbox:
    """`Inbox` over the store at a SQLAlchemy URL."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._store = InboxStore(url, clock)
        self._threads = StoreThreads(THREADS, "webhooks")

    async def put(self, body: bytes) -> bool:
        return await self._call(partial(self._store.put, body))

    async def claim(self, most: int) -> list[StoredBody]:
        return await self._call(partial(self._store.claim, most))

    async def finish(self, digest: bytes, *, remembers: bool) -> None:
        await self._call(partial(self._store.finish, digest, remembers=remembers))

    async def tidy(self) -> int:
        return await self._call(self._store.tidy)

    async def erase(self, ids: Sequence[str]) -> int:
        return await self._call(partial(self._store.erase, ids))

    async def aclose(self) -> None:
        """Close the connections once the calls in progress have ended."""
        await self._threads.aclose()
        self._store.close()

    async def _call(self, act: Callable[[], T]) -> T:
        """Raise InboxUnavailable also after too long; what the call does may be done nevertheless."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._threads.run(act)
        except TimeoutError:
            raise InboxUnavailable(TOO_LONG) from None
        except Unusable as error:  # a newer gateway has written the store
            raise InboxUnavailable(str(error)) from error

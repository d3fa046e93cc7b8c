"""One call in flight per key, shared by all operations that want its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Flights(Generic[K, V]):
    """A flight belongs to nobody: who started it may go away, and it lands all the same."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, key: K, work: Coroutine[Any, Any, V]) -> None:
        """The caller has looked: there is no flight for `key`."""
        task = self._tasks[key] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._land(key, done))

    def join(self, key: K) -> asyncio.Future[V]:
        """To wait for the flight of `key`: a cancelled waiter leaves it to the others."""
        return asyncio.shield(self._tasks[key])

    async def drain(self, seconds: float) -> None:
        """Waits until everything in flight has landed: what was paid for is not thrown away. After `seconds` what is
        still in flight is cancelled."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _land(self, key: K, task: asyncio.Task[V]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # seen, even if everybody who waited for it has gone

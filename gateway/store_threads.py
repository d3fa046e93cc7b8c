"""Threads for the calls of one store: the default ones may all be waiting for another store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class StoreThreads:
    """At most `count` threads, whose names begin with `name`. They begin with the first calls."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, act: Callable[[], T]) -> T:
        """Return the result of `act`, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, act)

    async def aclose(self) -> None:
        """End the threads once the calls in progress have ended. Nothing can be run afterwards."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

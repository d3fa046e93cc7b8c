"""Tasks that run as long as a part of the process does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine


@contextlib.asynccontextmanager
async def background(*begin: Callable[[], Coroutine[object, object, None]]) -> AsyncIterator[None]:
    """Run the tasks until the block is left, then cancel them. Their errors are dropped."""
    tasks = [asyncio.create_task(one()) for one in begin]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""Tasks that run as long as a context does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import TypeVar

T = TypeVar("T")
REPEAT_SECONDS = 0.05
SLICES = 10


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Return the result of `work`. Raise TimeoutError if it takes longer, while this process is not busy.

    The time is waited for in slices, in each of which the event loop takes in what has arrived: a response that came
    in time is not late because its reader was.
    """
    task = asyncio.ensure_future(work)
    try:
        for _ in range(SLICES):
            done, _ = await asyncio.wait([task], timeout=seconds / SLICES)
            if done:
                return task.result()
    finally:
        if not task.done():
            task.add_done_callback(_ignore_result)
            task.cancel()
    raise TimeoutError


def _ignore_result(task: asyncio.Future[T]) -> None:
    if not task.cancelled():
        task.exception()


@contextlib.asynccontextmanager
async def task_running(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run a task until the context ends, then cancel it.

    It is cancelled until it has ended: redis-py loses a cancellation that comes together with a response.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=REPEAT_SECONDS)
        if not task.cancelled():
            task.exception()  # it is nobody's

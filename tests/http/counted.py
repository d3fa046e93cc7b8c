"""How much the event loop has to do, in function calls: they are the same on every machine and at every load."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Work:
    """`longest` is the most that was done between two turns of others."""

    calls: int
    longest: int


async def work_of(task: Awaitable[object]) -> Work:
    """What `task` does, and whatever runs beside it: Python's functions and built-in ones."""
    calls, turns = 0, [0]

    def note(_: object, event: str, __: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    async def others() -> None:
        while True:
            turns.append(calls)
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        await task
    finally:
        sys.setprofile(before)
        waiting.cancel()
    turns.append(calls)
    return Work(calls, max(later - earlier for earlier, later in pairwise(turns)))

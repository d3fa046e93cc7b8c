"""Who watches a flow in this process. One looks at the store for all of them, however many there are."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from gateway.durable.port import Record
from gateway.errors import forget_frames


class Watched:
    """One flow, for as long as somebody watches it.

    `latest` is how it was seen last, None before the first look and for one that is not there. `is_over`: it is not
    looked at any more. `news` is set with the next change: ask for it before looking.
    """

    def __init__(self, records: AsyncGenerator[Record, None]) -> None:
        self.watchers = 0
        self.latest: Record | None = None
        self.is_over = False
        self.news = asyncio.Event()
        self._problem: Exception | None = None
        self._looking = asyncio.create_task(self._look(records))

    def check(self) -> None:
        """Raises what kept the store from being looked at: to each a copy, for whoever raises it keeps his frames."""
        if self._problem is not None:
            raise copy.copy(self._problem)

    def leave(self) -> None:
        self._looking.cancel()

    async def _look(self, records: AsyncGenerator[Record, None]) -> None:
        try:
            async with aclosing(records):
                async for record in records:
                    self.latest = record
                    self._tell()
        except Exception as problem:  # a bug, too: it is raised where it is waited for
            forget_frames(problem)
            self._problem = problem
        finally:
            self.is_over = True
            self._tell()

    def _tell(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()


class Watches:
    """`look` gives the records of a flow by its id: as it stands, after each change, until it has ended."""

    def __init__(self, look: Callable[[str], AsyncGenerator[Record, None]]) -> None:
        self._look = look
        self._watched: dict[str, Watched] = {}

    @contextmanager
    def of(self, id: str) -> Iterator[Watched]:
        watched = self._watched.get(id)
        if watched is None or watched.is_over:
            watched = self._watched[id] = Watched(self._look(id))
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                watched.leave()
                if self._watched.get(id) is watched:
                    del self._watched[id]

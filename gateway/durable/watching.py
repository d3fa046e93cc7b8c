"""The watchers of workflows in this process. One poller per workflow reads the store for all of its watchers."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from gateway.durable.port import Record
from gateway.tracebacks import forget_frames


class Watched:
    """One workflow, for as long as it has watchers.

    `latest` is the record last read; None before the first read, and for a workflow that does not exist. `is_over`
    means that polling has ended. `news` is set with the next change: take the event before reading `latest`.
    """

    def __init__(self, records: AsyncGenerator[Record, None]) -> None:
        self.watchers = 0
        self.latest: Record | None = None
        self.is_over = False
        self.news = asyncio.Event()
        self._problem: Exception | None = None
        self._task = asyncio.create_task(self._follow(records))

    def check(self) -> None:
        """Raise the error that ended polling.

        Each watcher gets a copy: raising an exception attaches the frames of the raiser to it.
        """
        if self._problem is not None:
            raise copy.copy(self._problem)

    def notify(self) -> None:
        """Wake the watchers."""
        news, self.news = self.news, asyncio.Event()
        news.set()

    def leave(self) -> None:
        """Stop polling."""
        self._task.cancel()

    async def _follow(self, records: AsyncGenerator[Record, None]) -> None:
        try:
            async with aclosing(records):
                async for record in records:
                    self.latest = record
                    self.notify()
        except Exception as problem:  # a bug, too: each watcher raises it
            forget_frames(problem)
            self._problem = problem
        finally:
            self.is_over = True
            self.notify()


class Watches:
    """The watched workflows by id.

    `look` yields the records of a workflow by its id: the current one, then one after each change, until it has ended.
    """

    def __init__(self, look: Callable[[str], AsyncGenerator[Record, None]]) -> None:
        self._follow = look
        self._watched: dict[str, Watched] = {}

    def wake_all(self) -> None:
        """Wake all watchers."""
        for watched in self._watched.values():
            watched.notify()

    @contextmanager
    def of(self, id: str) -> Iterator[Watched]:
        watched = self._watched.get(id)
        if watched is None or watched.is_over:
            watched = self._watched[id] = Watched(self._follow(id))
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                watched.leave()
                if self._watched.get(id) is watched:
                    del self._watched[id]

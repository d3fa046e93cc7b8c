"""One call in flight per key, shared by all operations that want its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    __slots__ = ("task", "waiting")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.waiting: list[asyncio.Future[V]] = []


class SingleFlight(Generic[K, V]):
    """A flight belongs to nobody: who started it may go away, and it lands all the same.

    Whoever waits is woken by the flight itself, and not by a callback of its task: under load each turn of the event
    loop is one more queue to stand in.
    """

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    def start(self, key: K, work: Coroutine[Any, Any, V]) -> None:
        """The caller has looked: there is no flight for `key`."""
        flight = self._flights[key] = _Flight()
        flight.task = asyncio.create_task(self._fly(key, flight, work))
        flight.task.add_done_callback(lambda done: self._end(key, flight, work, done))

    def join(self, key: K) -> asyncio.Future[V]:
        """To wait for the flight of `key`: a cancelled waiter leaves it to the others."""
        waiter: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._flights[key].waiting.append(waiter)
        return waiter

    async def drain(self, seconds: float) -> None:
        """Waits until everything in flight has landed: what was paid for is not thrown away. After `seconds` what is
        still in flight is cancelled."""
        tasks = [flight.task for flight in self._flights.values() if flight.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _fly(self, key: K, flight: _Flight[V], work: Coroutine[Any, Any, V]) -> None:
        value = await work
        del self._flights[key]
        for waiter in flight.waiting:
            if not waiter.done():
                waiter.set_result(value)

    def _end(self, key: K, flight: _Flight[V], work: Coroutine[Any, Any, V], task: asyncio.Task[None]) -> None:
        """After a landing nothing is left to do; else those who wait must learn that there will be none."""
        work.close()  # it has not begun if the task was cancelled at once
        problem = None if task.cancelled() else task.exception()
        waiting, flight.waiting, flight.task = flight.waiting, [], None  # a problem holds the flight, by its frames
        if self._flights.get(key) is not flight:
            return
        del self._flights[key]
        for waiter in waiting:
            if waiter.done():
                continue
            if problem is None:
                waiter.cancel()
            else:
                waiter.set_exception(problem)

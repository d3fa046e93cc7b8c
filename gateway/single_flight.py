"""Single flight: one call in flight per key, shared by all operations that want its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from typing import Any, Generic, TypeVar

from gateway.queue_place import QUEUE_PLACE, QueueClient, QueuePlace

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    __slots__ = ("place", "task", "waiting")

    def __init__(self) -> None:
        self.place = QueuePlace()
        self.task: asyncio.Task[None] | None = None
        self.waiting: dict[asyncio.Future[V], QueueClient | None] = {}


class SingleFlight(Generic[K, V]):
    """The calls in flight. Each runs in its own task: cancelling the caller that started one does not cancel it.

    Waiters are woken by that task itself and not by a callback of it: under load each additional turn of the event loop
    waits in the loop's queue once more.
    """

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}
        self._detached = set[_Flight[V]]()

    def __contains__(self, key: K) -> bool:
        return key in self._flights

    def __iter__(self) -> Iterator[K]:
        return iter(self._flights)

    def __len__(self) -> int:
        return len(self._flights)

    def start(self, key: K, work: Coroutine[Any, Any, V]) -> None:
        """Start the call of `key`. The caller has checked that none is in flight."""
        flight = self._flights[key] = _Flight()
        flight.task = asyncio.create_task(self._run(key, flight, work))
        flight.task.add_done_callback(lambda done: self._end(key, flight, work, done))

    def join(self, key: K, client: QueueClient | None = None) -> asyncio.Future[V]:
        """Return a future of the result of the call in flight. Cancelling it does not affect the other waiters.

        While the call is queued, it has the best place of all the clients that have joined it.
        """
        waiter: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        flight = self._flights[key]
        flight.waiting[waiter] = client
        if client is not None:
            flight.place.join(client)
        return waiter

    def result(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> asyncio.Future[V]:
        """Join the call of `key`, and start it by calling `work` if none is in flight."""
        if key not in self._flights:
            self.start(key, work())
        return self.join(key)

    def leave(self, key: K, waiter: asyncio.Future[V]) -> None:
        """Cancel a future of `join`. A call that nobody waits for any more leaves the queue, if it is not sent yet."""
        waiter.cancel()
        flight = self._flights.get(key)
        if flight is None or waiter not in flight.waiting:
            return
        client = flight.waiting.pop(waiter)
        if not all(one.done() for one in flight.waiting):
            if client is not None:
                flight.place.leave(client)
        elif flight.place.withdraw():
            del self._flights[key]  # the next caller starts another one
            self._detached.add(flight)

    def detach(self) -> None:
        """Let nobody join the calls in flight any more: the next caller starts another one. Their waiters stay."""
        self._detached.update(self._flights.values())
        self._flights.clear()

    async def drain(self, seconds: float) -> None:
        """Wait until all calls in flight have finished, so that no paid answer is lost.

        After `seconds` the remaining calls are cancelled.
        """
        tasks = [flight.task for flight in (*self._flights.values(), *self._detached) if flight.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, key: K, flight: _Flight[V], work: Coroutine[Any, Any, V]) -> None:
        QUEUE_PLACE.set(flight.place)
        value = await work
        self._remove(key, flight)
        for waiter in flight.waiting:
            if not waiter.done():
                waiter.set_result(value)

    def _end(self, key: K, flight: _Flight[V], work: Coroutine[Any, Any, V], task: asyncio.Task[None]) -> None:
        """Wake the waiters of a task that ended without a result; do nothing after a result."""
        work.close()  # the coroutine has not begun if the task was cancelled at once
        error = None if task.cancelled() else task.exception()
        waiting, flight.waiting, flight.task = flight.waiting, {}, None  # the exception's frames refer to the flight
        if not self._remove(key, flight):
            return
        for waiter in waiting:
            if waiter.done():
                continue
            if error is None:
                waiter.cancel()
            else:
                waiter.set_exception(error)

    def _remove(self, key: K, flight: _Flight[V]) -> bool:
        """Remove a flight that has ended, and return whether it was still there."""
        if self._flights.get(key) is flight:
            del self._flights[key]
            return True
        was_detached = flight in self._detached
        self._detached.discard(flight)
        return was_detached

"""Calls of this instance that wait for another one, which is making them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from gateway.queue_place import QUEUE_PLACE, QueueClient, QueuePlace


class TurnWaiting:
    """The waiting calls, by the name of the lock that they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiter]] = {}

    def wake(self, lock: str) -> None:
        """Wake the calls that wait for this lock, which was returned."""
        for waiter in self._waiting.get(lock, ()):
            waiter.released.set()

    @contextlib.contextmanager
    def waiting(self, lock: str) -> Iterator[Callable[[float], Awaitable[bool]]]:
        """Return a function that waits until the lock is returned, for so many seconds at most, and returns whether.

        A return of the lock since the last wait counts. While it waits, the call can be withdrawn from the queue; then
        the function raises CancelledError.
        """
        waiter = _Waiter()
        self._waiting.setdefault(lock, []).append(waiter)
        try:
            yield waiter.wait
        finally:
            self._waiting[lock].remove(waiter)
            if not self._waiting[lock]:
                del self._waiting[lock]


class _Waiter:
    """One call. For its operations it is queued as if it waited for the upstream."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self._is_withdrawn = False

    async def wait(self, seconds: float) -> bool:
        place = QUEUE_PLACE.get() or QueuePlace()
        with contextlib.suppress(TimeoutError), place.queued(self):
            async with asyncio.timeout(seconds):
                await self.released.wait()
        was_released = self.released.is_set()
        self.released.clear()
        if self._is_withdrawn:
            raise asyncio.CancelledError
        return was_released

    def join(self, client: QueueClient) -> None:
        """One more client waits: the turn of a call that another instance makes does not depend on that."""

    def leave(self, client: QueueClient) -> None:
        """One client less waits."""

    def withdraw(self) -> bool:
        self._is_withdrawn = True
        self.released.set()
        return True

"""The invalidations that wait to be sent."""

from __future__ import annotations

import asyncio
from typing import cast

from gateway.shared_cache.invalidation_queue import InvalidationQueue
from gateway.shared_cache.store_port import LoggedInvalidation, SharedStore, StoreProblem, StoreUnavailable
from gateway.shared_cache.tasks import task_running
from tests.shared_cache.listening import CLOCK, about, until


class Receiver:
    """A store that takes its first invalidation in when it is told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.received: list[LoggedInvalidation] = []

    async def invalidate(self, invalidation: LoggedInvalidation) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.received.append(invalidation)


async def test_many_who_tell_of_the_same_write_at_once_are_told_on_twice_at_most() -> None:
    store = Receiver()
    queue = InvalidationQueue(cast(SharedStore, store), CLOCK, lambda: about("*"))
    async with task_running(queue.run()):
        queue.add(about("s", number=1))
        await store.begun.wait()
        for number in range(2, 100):
            queue.add(about("s", number=number))
        queue.add(about("t", number=100))
        queue.add(about("*", number=101))
        queue.add(about("*", number=102))
        store.may_end.set()
        await until(lambda: queue.is_empty)
    assert [one.number for one in store.received] == [1, 2, 100, 101, 102]


class Refusing(Receiver):
    """A store that refuses invalidations, as a replica does, until it is told to take them."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    async def invalidate(self, invalidation: LoggedInvalidation) -> None:
        if not self.may_end.is_set():
            self.refused += 1
            raise StoreUnavailable(StoreProblem.READ_ONLY)
        await super().invalidate(invalidation)


async def test_nobody_waits_for_an_invalidation_that_is_refused_again_and_again() -> None:
    store = Refusing()
    queue = InvalidationQueue(cast(SharedStore, store), CLOCK, lambda: about("*"))
    async with task_running(queue.run()):
        queue.add(about("s"))
        assert not queue.is_stuck, "it may be sent in a moment"
        await until(lambda: queue.is_stuck)
        assert store.refused == 2
        store.may_end.set()
        await until(lambda: queue.is_empty)
        assert not queue.is_stuck

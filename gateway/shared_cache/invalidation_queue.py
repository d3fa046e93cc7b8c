"""The invalidations of this instance on their way to the others: in order, and none is lost while the store is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.shared_cache.store_port import EVERYTHING, LoggedInvalidation, SharedStore, StoreUnavailable
from gateway.shared_cache.unsent_marker import UnsentMarker

RETRY_SECONDS = 0.2
# Failures in a row after which an operation does not wait until all is sent.
FAILURES = 2
# Invalidations that wait, or that are sent again after the store has lost its log: beyond that all data is invalid.
LIMIT = 10_000
# Seconds after which one is not sent again: what it invalidated is not fresh any more by then.
AGE = 86_400.0


class InvalidationQueue:
    """The invalidations to send, and those that were sent lately.

    `everything` returns an invalidation of all data, which replaces those that are too many, and those that an earlier
    process could not send: `marker` tells of them.
    """

    def __init__(
        self,
        store: SharedStore,
        clock: Clock,
        everything: Callable[[], LoggedInvalidation],
        marker: UnsentMarker | None = None,
    ) -> None:
        self._store = store
        self._marker = marker
        self._left: list[Path] = []
        self._clock = clock
        self._everything = everything
        self._waiting: deque[LoggedInvalidation] = deque()
        self._sent: deque[tuple[float, LoggedInvalidation]] = deque(maxlen=LIMIT)
        self._failures = 0
        self._is_due = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @property
    def is_empty(self) -> bool:
        """True if all invalidations were sent: until then the store may have values that are not true any more."""
        return not self._waiting

    @property
    def is_stuck(self) -> bool:
        """True if the store refuses the invalidations: to wait until they are sent is no use."""
        return self._failures >= FAILURES

    def add(self, invalidation: LoggedInvalidation) -> None:
        """Send an invalidation, unless the same one is last in the queue: all who wait for a write tell of its end."""
        if len(self._waiting) > 1 and _is_same(self._waiting[-1], invalidation):
            return  # the first one may be on its way, and is not counted
        if len(self._waiting) >= LIMIT:
            self._waiting.clear()
            invalidation = self._everything()
        self._waiting.append(invalidation)
        self._is_empty.clear()
        self._is_due.set()
        if self._marker is not None:
            self._marker.set()

    def begin(self) -> None:
        """Send what processes that have ended could not send. To be called before anything is read from the store."""
        self._left = [] if self._marker is None else self._marker.left()
        if self._left:
            self.add(self._everything())

    def send_again(self) -> None:
        """Send again what was sent lately: the store has lost its log."""
        limit = self._clock.monotonic() - AGE
        repeated = [invalidation for sent_at, invalidation in self._sent if sent_at >= limit]
        self._sent.clear()
        self._waiting.extendleft(reversed(repeated))
        if self._waiting:
            self._is_empty.clear()
            self._is_due.set()

    async def emptied(self, seconds: float) -> bool:
        """Wait until all is sent, for so many seconds at most. Return whether it is."""
        if self._waiting:
            try:
                async with asyncio.timeout(seconds):
                    await self._is_empty.wait()
            except TimeoutError:
                return False
        return not self._waiting

    async def run(self) -> None:
        """Send what is added, until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            while self._waiting:
                first = self._waiting[0]
                try:
                    await self._store.invalidate(first)
                except StoreUnavailable:
                    self._failures += 1
                    await self._clock.sleep(RETRY_SECONDS)
                    continue
                self._failures = 0
                if self._waiting and self._waiting[0] is first:
                    self._waiting.popleft()
                self._sent.append((self._clock.monotonic(), first))
            self._is_empty.set()
            if self._marker is not None:
                self._marker.remove(self._left)
                self._marker.clear()


def _is_same(one: LoggedInvalidation, other: LoggedInvalidation) -> bool:
    """Return whether both are about the same subjects. All data may be invalid for the sake of different targets."""
    return EVERYTHING not in one.subjects and (one.subjects, one.names) == (other.subjects, other.names)

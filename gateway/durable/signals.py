"""Signals between tasks of this process: topics to wait for, and changes of workflows."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from gateway.clock import Clock, until_first

# The most undelivered signals. The oldest is dropped: every waiter polls as well.
MOST_UNDELIVERED = 1_000


class Signals:
    """Signals by topic: a signal wakes all tasks that wait for the topic; without any, the next waiter receives it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._undelivered: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def send(self, topic: str) -> None:
        """Send a signal."""
        waiting = self._waiting.get(topic)
        if not waiting:
            self._undelivered[topic] = None
            if len(self._undelivered) > MOST_UNDELIVERED:
                self._undelivered.popitem(last=False)
        for future in waiting or ():
            if not future.done():
                future.set_result(None)

    def wake_all(self) -> None:
        """Wake all tasks that wait, for whatever topic."""
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a signal, and return whether it came within `seconds`."""
        if topic in self._undelivered:
            del self._undelivered[topic]
            return True
        signalled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timeout = asyncio.ensure_future(self._clock.sleep(seconds))
        self._waiting.setdefault(topic, set()).add(signalled)
        try:
            await asyncio.wait({signalled, timeout}, return_when=asyncio.FIRST_COMPLETED)
            return signalled.done()
        finally:
            timeout.cancel()
            self._waiting[topic].discard(signalled)
            if not self._waiting[topic]:
                del self._waiting[topic]


class ChangeNotifier:
    """Notifications of changed workflows. Take the `mark` before reading a workflow: no change in between is missed.

    A mark lives for as long as something references it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def mark(self, id: str) -> asyncio.Event:
        """Return the event that the workflow's next change sets."""
        return self._marks.setdefault(id, asyncio.Event())

    def changed(self, id: str) -> None:
        if mark := self._marks.pop(id, None):
            mark.set()

    async def wait(self, mark: asyncio.Event, seconds: float) -> None:
        """Wait until the workflow has changed since the mark was taken, or `seconds` have passed."""
        await until_first(mark.wait(), self._clock.sleep(seconds))

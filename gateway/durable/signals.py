"""Who waits in this process for something to happen, and is woken."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from gateway.clock import Clock

# Hints that nobody has waited for yet. The oldest is dropped: whoever waits polls as well.
KEPT = 1_000


class Signals:
    """A ring wakes whoever waits for the topic; one that nobody waits for is kept for the next who does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def ring(self, topic: str) -> None:
        waiting = self._waiting.get(topic)
        if not waiting:
            self._kept[topic] = None
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        for future in waiting or ():
            if not future.done():
                future.set_result(None)

    async def wait(self, topic: str, seconds: float) -> bool:
        """Whether it rang before `seconds` were over."""
        if topic in self._kept:
            del self._kept[topic]
            return True
        rang: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        over = asyncio.ensure_future(self._clock.sleep(seconds))
        self._waiting.setdefault(topic, set()).add(rang)
        try:
            await asyncio.wait({rang, over}, return_when=asyncio.FIRST_COMPLETED)
            return rang.done()
        finally:
            over.cancel()
            self._waiting[topic].discard(rang)
            if not self._waiting[topic]:
                del self._waiting[topic]


class ChangeNotifier:
    """Which flows have changed. Ask for the `mark` before looking, so that no change in between is missed.

    A mark lives for as long as somebody holds it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def mark(self, id: str) -> asyncio.Event:
        return self._marks.setdefault(id, asyncio.Event())

    def changed(self, id: str) -> None:
        if mark := self._marks.pop(id, None):
            mark.set()

    async def wait(self, mark: asyncio.Event, seconds: float) -> None:
        """Until the flow has changed since the mark, or `seconds` are over."""
        rang = asyncio.ensure_future(mark.wait())
        over = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({rang, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            rang.cancel()
            over.cancel()

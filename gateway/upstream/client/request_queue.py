"""The queue in front of an upstream: which request is sent next, and when.

A request needs one of the slots for requests in flight, and a token. Both are granted together: tokens would
accumulate behind busy slots otherwise, and be spent in one burst.
"""

from __future__ import annotations

import asyncio
from contextvars import Context

from gateway.clock import Clock
from gateway.queue_place import QueueClient, QueuePlace
from gateway.upstream.client.fair_queue import FairQueue
from gateway.upstream.client.token_bucket import TokenBucket

# Seconds that a request must have left when its turn comes: some turns of the event loop pass until it is sent.
MARGIN = 1e-3


class HopelessWait(Exception):
    """A request of `client` would wait for longer than it may. `retry_after` is in seconds."""

    def __init__(self, client: QueueClient, retry_after: float) -> None:
        super().__init__()
        self.client = client
        self.retry_after = retry_after


class RequestQueue:
    """The queue of one upstream, fair by client. No token is left unused while a request waits and a slot is free.

    A request that is cancelled, withdrawn or too late takes none. `patience` is for how many seconds a request may
    wait that has just begun.
    """

    def __init__(self, bucket: TokenBucket, concurrency: int, clock: Clock, *, patience: float) -> None:
        self._bucket = bucket
        self._free = concurrency
        self._patience = patience
        self._clock = clock
        self._waiting: FairQueue[_Request] = FairQueue()
        self._timer: asyncio.Task[None] | None = None
        self._promised: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> bool:
        """Take a slot and a token if nothing is queued and both are available. Return whether they were taken."""
        if self._waiting or not self._free or not self._bucket.take():
            return False
        self._free -= 1
        return True

    def check(self, place: QueuePlace, patience: float) -> None:
        """Raise HopelessWait if a request would wait for longer than `patience`, even if no other one comes.

        It is assumed that those in the queue stay, and that a slot is always free.
        """
        if patience <= 0 or self._bucket.wait(len(self._waiting) + 1) <= patience - MARGIN:
            return  # it may be behind all others; nearly always
        ahead, client = min(((self._waiting.ahead(client), client) for client in place.clients), key=lambda one: one[0])
        wait = self._bucket.wait(ahead + 1)
        if wait > patience - MARGIN:
            # Twice, so that a request which returns in time is not refused for the rounding of a float.
            too_long = wait - max(patience, self._patience) + 2 * MARGIN
            raise HopelessWait(client, self._retry_after(client, too_long))

    async def wait(self, place: QueuePlace, patience: float) -> None:
        """Wait for a slot and a token, and take them. Raise TimeoutError after `patience` seconds, or if withdrawn."""
        request = _Request(self)
        for client in place.clients:
            self._waiting.push(request, client)
        self._grant()
        try:
            async with asyncio.timeout(patience):
                with place.queued(request):
                    await request.turn
        except BaseException:
            if request.is_granted:  # in the same turn of the event loop
                self._bucket.give_back()
                self.release()
            else:
                self.discard(request)
            raise
        if not request.is_granted:
            raise TimeoutError

    def join(self, request: _Request, client: QueueClient) -> None:
        self._waiting.push(request, client)

    def leave(self, request: _Request, client: QueueClient) -> None:
        self._waiting.leave(request, client)

    def discard(self, request: _Request) -> None:
        self._waiting.remove(request)
        if not self._waiting:
            self._end_backlog()

    def release(self) -> None:
        """Release the slot of a request that has ended."""
        self._free += 1
        if self._waiting:
            self._grant()

    def _retry_after(self, client: QueueClient, seconds: float) -> float:
        """Return after how many seconds a refused request can be queued; `seconds` if it is the client's only one.

        Those that were refused before it return before it, one for each turn of the client.
        """
        now = self._clock.monotonic()
        moment = now + max(0.0, seconds)
        if client.id in self._promised:
            turn = 1 / (self._bucket.rate * self._waiting.share(client))
            moment = max(moment, self._promised[client.id] + turn)
        if self._waiting:
            self._promised[client.id] = moment
        return moment - now

    def _grant(self) -> None:
        """Grant all turns that can be granted now, and set the timer if others are left to wait for a token."""
        while self._waiting and self._free:
            if (cancelled := self._waiting.first()).turn.done():
                self._waiting.remove(cancelled)  # its task has not run since
            elif self._bucket.take():
                self._free -= 1
                self._waiting.pop().end(granted=True)
            else:
                break
        if not self._waiting:
            self._end_backlog()
        elif self._free and self._timer is None:
            # In an empty context: the timer belongs to no operation.
            self._timer = asyncio.create_task(self._grant_in_time(), context=Context())

    async def _grant_in_time(self) -> None:
        while self._waiting and self._free:
            await self._clock.sleep(self._bucket.wait())
            self._grant()
        self._timer = None

    def _end_backlog(self) -> None:
        """Stop the timer, and forget what was promised: nothing is queued."""
        self._promised.clear()
        timer, self._timer = self._timer, None
        if timer is not None and timer is not asyncio.current_task():
            timer.cancel()


class _Request:
    """A request in the queue. `turn` is done when it leaves."""

    __slots__ = ("_queue", "is_granted", "turn")

    def __init__(self, queue: RequestQueue) -> None:
        self._queue = queue
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_granted = False

    def join(self, client: QueueClient) -> None:
        if not self.turn.done():
            self._queue.join(self, client)

    def leave(self, client: QueueClient) -> None:
        self._queue.leave(self, client)

    def withdraw(self) -> bool:
        if self.turn.done():
            return False
        self._queue.discard(self)
        self.end(granted=False)
        return True

    def end(self, *, granted: bool) -> None:
        self.is_granted = granted
        self.turn.set_result(None)

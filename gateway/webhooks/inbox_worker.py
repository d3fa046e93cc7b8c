"""The work that follows from the bodies in the inbox, in each process: as soon as one was put, and for those left."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from gateway.clock import Clock, until_first
from gateway.events import Hook, InternalErrorMasked, WebhookIgnored
from gateway.webhooks.inbox import Inbox, InboxUnavailable, StoredBody

# Bodies of a process that was killed, or of one that could not work on them, wait so long.
POLL_SECONDS = 5.0
TIDY_SECONDS = 600.0
BATCH = 10  # bodies that one claim takes


class InboxWorker:
    """The worker of one process.

    `handle` processes a body, and returns whether its repetitions are to be recognised; one that raises an exception is
    processed again after its claim. Before `is_ready` nothing is processed.
    """

    def __init__(
        self,
        inbox: Inbox,
        handle: Callable[[StoredBody], Awaitable[bool]],
        *,
        is_ready: Callable[[], bool],
        clock: Clock,
        hook: Hook,
    ) -> None:
        self._inbox = inbox
        self._handle = handle
        self._is_ready = is_ready
        self._clock = clock
        self._hook = hook
        self._wake = asyncio.Event()
        self._works = asyncio.Lock()
        self.problem: str | None = None

    def wake(self) -> None:
        """Look into the inbox soon. For the event loop's thread."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        tidied_at = float("-inf")
        while True:
            self._wake.clear()
            try:
                await self.work_off()
                if self._clock.monotonic() - tidied_at >= TIDY_SECONDS:
                    tidied_at = self._clock.monotonic()
                    await self._tidy()
                self.problem = None
            except InboxUnavailable as error:
                self.problem = str(error)
            await until_first(self._wake.wait(), self._clock.sleep(POLL_SECONDS))

    async def work_off(self) -> None:
        """Process all bodies that no other process works on. Raise InboxUnavailable."""
        async with self._works:
            while self._is_ready() and (bodies := await self._inbox.claim(BATCH)):
                for one in bodies:
                    await self._process(one)

    async def _process(self, one: StoredBody) -> None:
        try:
            remembers = await self._handle(one)
        except InboxUnavailable:
            raise
        except Exception as error:  # the next body may be processed, and this one once more
            self._hook(InternalErrorMasked(uuid.uuid4().hex, error))
        else:
            await self._inbox.finish(one.digest, remembers=remembers)

    async def _tidy(self) -> None:
        if dropped := await self._inbox.tidy():
            self._hook(WebhookIgnored("not processed in time", dropped))

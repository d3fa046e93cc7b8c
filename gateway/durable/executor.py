"""The store, asked from the event loop: in threads, and never for longer than a caller may be kept waiting."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway.durable.store import CancellationToken
from gateway.errors import FlowsUnavailable

T = TypeVar("T")

THREADS = 8


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. A statement waits for so long in the database itself, and gives up before its caller does."""

    statement: float = 3.0
    caller: float = 4.5


STANDARD = Patience()


class DatabaseExecutor:
    """Threads of our own: those of the loop may all be waiting for the same database."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flows-store")
        self._running: set[threading.Event] = set()

    async def work(self, act: Callable[[], T]) -> T:
        """As long as it takes: for what nobody waits for. A cancellation is raised once the thread is done with it."""
        ended = threading.Event()
        try:
            return await self._submit(act, ended)
        except asyncio.CancelledError:
            await self._all_ended(self._running & {ended})
            raise

    async def call(self, act: Callable[[], T]) -> T:
        """Raises FlowsUnavailable when it takes too long."""
        work = self._submit(act, threading.Event())
        # Also where nobody waits for it any more, somebody must look at how it ends, or asyncio complains.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # Not `wait_for`, which in Python 3.11 loses a cancellation that comes together with the answer.
            async with asyncio.timeout(self._patience.caller):
                return await asyncio.shield(work)
        except TimeoutError as exc:
            raise FlowsUnavailable("The store of the flows took too long. Ask again later.") from exc

    async def change(self, act: Callable[[CancellationToken], T]) -> T:
        """As `call`; what is refused, or no longer waited for, is not committed later."""
        ticket = CancellationToken()
        try:
            return await self.call(partial(act, ticket))
        except BaseException:
            ticket.withdraw()
            raise

    async def aclose(self) -> None:
        """Waits for what the threads are at: a connection in use cannot be closed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._all_ended(self._running.copy())

    def _submit(self, act: Callable[[], T], ended: threading.Event) -> asyncio.Future[T]:
        def run() -> T:
            self._running.add(ended)
            try:
                return act()
            finally:
                self._running.discard(ended)
                ended.set()

        return asyncio.get_running_loop().run_in_executor(self._threads, contextvars.Context().run, run)

    async def _all_ended(self, running: Collection[threading.Event]) -> None:
        """Not longer than for a caller, in real time: DBOS waits for a database that is gone for ever."""
        if running:
            await asyncio.to_thread(_wait, running, self._patience.caller / len(running))


def _wait(running: Collection[threading.Event], seconds: float) -> None:
    for ended in running:
        ended.wait(seconds)

"""The executor of database work: runs blocking calls in threads, with a time limit for each caller."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway.errors import FlowsUnavailable

T = TypeVar("T")

THREADS = 8
TOO_LONG = "The store of the flows took too long. Ask again later."


@dataclass(frozen=True, slots=True)
class StoreTimeouts:
    """The time limits in seconds. A statement waits in the database itself, and times out before its caller does."""

    statement: float = 3.0
    caller: float = 4.5


STANDARD = StoreTimeouts()


class CancellationToken:
    """The caller's interest in a write. Once it is withdrawn, the write is not committed."""

    def __init__(self) -> None:
        self._withdrawn = threading.Event()

    def withdraw(self) -> None:
        self._withdrawn.set()

    def check(self) -> None:
        """Raise FlowsUnavailable if the caller has given up."""
        if self._withdrawn.is_set():
            raise FlowsUnavailable(TOO_LONG)


class DatabaseExecutor:
    """A thread pool of its own: the event loop's default threads may all be waiting for the same database."""

    def __init__(self, patience: StoreTimeouts) -> None:
        self._patience = patience
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flows-store")
        self._running: set[threading.Event] = set()

    async def work(self, act: Callable[[], T]) -> T:
        """Run `act` without a time limit, for work that no client waits for.

        A cancellation is raised once the thread has finished `act`.
        """
        ended = threading.Event()
        try:
            return await self._submit(act, ended)
        except asyncio.CancelledError:
            await self._all_ended(self._running & {ended})
            raise

    async def call(self, act: Callable[[], T]) -> T:
        """Run `act` within the caller's time limit. Raises FlowsUnavailable when it takes too long."""
        work = self._submit(act, threading.Event())
        # The exception must be retrieved even after the caller has given up, or asyncio logs a complaint.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # Not `wait_for`, which in Python 3.11 loses a cancellation that arrives together with the result.
            async with asyncio.timeout(self._patience.caller):
                return await asyncio.shield(work)
        except TimeoutError as exc:
            raise FlowsUnavailable(TOO_LONG) from exc

    async def change(self, act: Callable[[CancellationToken], T]) -> T:
        """Run a write within the caller's time limit. Raises FlowsUnavailable when it takes too long.

        A write that timed out or was cancelled is not committed later.
        """
        token = CancellationToken()
        try:
            return await self.call(partial(act, token))
        except BaseException:
            token.withdraw()
            raise

    async def aclose(self) -> None:
        """Wait for the calls in progress: a connection in use cannot be closed."""
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
        """Wait for the threads, no longer than a caller would, in real time.

        DBOS itself waits for an unreachable database without limit.
        """
        if running:
            await asyncio.to_thread(_wait, running, self._patience.caller / len(running))


def _wait(running: Collection[threading.Event], seconds: float) -> None:
    for ended in running:
        ended.wait(seconds)

"""A write-behind buffer of step records and notes: many changes in one transaction, while the steps go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.durable.leases import LeaseLost
from gateway.durable.port import Json, StepRecord
from gateway.durable.signals import Signals
from gateway.durable.store import Changed
from gateway.errors import FlowsUnavailable

AGAIN_SECONDS = 1.0
# Changes are batched for this long: SQLite allows one writer at a time, and the steps must write, too.
GATHER_SECONDS = 0.05
WAKE = "wake"
# A process that shuts down has a few seconds for all of its components.
LAST_SECONDS = 1.0

Write = Callable[[dict[str, Changed]], Awaitable[None]]


class WriteBehindBuffer:
    """The pending changes by workflow.

    Changes lost in a crash are buffered again when the body is replayed: the results of its steps hold their records.
    """

    def __init__(self, write: Write, written: Callable[[str], None], clock: Clock) -> None:
        """`written` is called with each workflow whose changes are in the store."""
        self._write = write
        self._written = written
        self._clock = clock
        self._signals = Signals(clock)
        self._pending: dict[str, Changed] = {}
        self._task: asyncio.Task[None] | None = None

    def step(self, id: str, place: int, group: int, record: StepRecord) -> None:
        self._changes_of(id).steps[place] = group, record

    def note(self, id: str, key: str, value: Json) -> None:
        self._changes_of(id).notes[key] = value

    async def flush(self) -> None:
        """Write all changes made before the call. Waits until the store is reachable."""
        while self._task is not None:
            self._signals.send(WAKE)
            await asyncio.shield(self._task)

    def drop(self) -> None:
        """Forget all changes: other processes have the workflows, and write what is true of them."""
        self._pending = {}
        if self._task is not None:
            self._task.cancel()

    async def aclose(self) -> None:
        """Write the pending changes, if the store accepts them within LAST_SECONDS."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pending:
            with contextlib.suppress(FlowsUnavailable, LeaseLost, TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._write(self._pending)
            self._pending = {}

    def _changes_of(self, id: str) -> Changed:
        if self._task is None:
            self._task = asyncio.ensure_future(self._drain())
        return self._pending.setdefault(id, Changed())

    async def _drain(self) -> None:
        try:
            while self._pending:
                await self._signals.wait(WAKE, GATHER_SECONDS)
                batch, self._pending = self._pending, {}
                try:
                    await self._write_with_retry(batch)
                except LeaseLost:
                    self._pending = {}
                    return
                except asyncio.CancelledError:
                    self._requeue(batch)
                    raise
                for id in batch:
                    self._written(id)
        finally:
            self._task = None

    def _requeue(self, batch: dict[str, Changed]) -> None:
        """Put a batch back that was not written; changes made since then are newer and win."""
        for id, older in batch.items():
            newer = self._pending.get(id, Changed())
            self._pending[id] = Changed(older.steps | newer.steps, older.notes | newer.notes)

    async def _write_with_retry(self, batch: dict[str, Changed]) -> None:
        while True:
            try:
                return await self._write(batch)
            except FlowsUnavailable:
                await self._clock.sleep(AGAIN_SECONDS)

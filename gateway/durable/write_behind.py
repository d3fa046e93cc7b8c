"""Writes down how steps stand and what bodies tell: many changes in one transaction, beside the steps that go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.durable.port import Json, StepRecord
from gateway.durable.signals import Signals
from gateway.durable.store import Changed
from gateway.errors import FlowsUnavailable

AGAIN_SECONDS = 1.0
# Changes are gathered for this long: writers of SQLite take turns, and steps want theirs.
GATHER_SECONDS = 0.05
HURRY = "hurry"
# A process that ends has a few seconds for all of its parts.
LAST_SECONDS = 1.0

Write = Callable[[dict[str, Changed]], Awaitable[None]]


class WriteBehindBuffer:
    """What is lost in a crash is told again when the body is run again: its steps hold their own records."""

    def __init__(self, write: Write, written: Callable[[str], None], clock: Clock) -> None:
        """`written` hears of each flow whose changes are in the store."""
        self._write = write
        self._written = written
        self._clock = clock
        self._bells = Signals(clock)
        self._pending: dict[str, Changed] = {}
        self._task: asyncio.Task[None] | None = None

    def step(self, id: str, place: int, group: int, record: StepRecord) -> None:
        self._of(id).steps[place] = group, record

    def note(self, id: str, key: str, value: Json) -> None:
        self._of(id).notes[key] = value

    async def flush(self) -> None:
        """When it returns, what was told before is in the store. May wait for the store to come back."""
        while self._task is not None:
            self._bells.ring(HURRY)
            await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Writes what is pending, where the store takes it at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pending:
            with contextlib.suppress(FlowsUnavailable, TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._write(self._pending)
            self._pending = {}

    def _of(self, id: str) -> Changed:
        if self._task is None:
            self._task = asyncio.ensure_future(self._drain())
        return self._pending.setdefault(id, Changed())

    async def _drain(self) -> None:
        try:
            while self._pending:
                await self._bells.wait(HURRY, GATHER_SECONDS)
                batch, self._pending = self._pending, {}
                try:
                    await self._insist(batch)
                except asyncio.CancelledError:
                    self._take_back(batch)
                    raise
                for id in batch:
                    self._written(id)
        finally:
            self._task = None

    def _take_back(self, batch: dict[str, Changed]) -> None:
        """What was told since is newer."""
        for id, older in batch.items():
            newer = self._pending.get(id, Changed())
            self._pending[id] = Changed(older.steps | newer.steps, older.notes | newer.notes)

    async def _insist(self, batch: dict[str, Changed]) -> None:
        while True:
            try:
                return await self._write(batch)
            except FlowsUnavailable:
                await self._clock.sleep(AGAIN_SECONDS)

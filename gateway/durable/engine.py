"""`Durable` over DBOS and a database. A flow is accepted by one row of our own; all else follows from that row.

So what was refused is nowhere, and cannot be run later; and what was accepted is run by whoever finds it idle, even if
the process that accepted it died on the spot.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.clock import Clock
from gateway.durable.dbos_adapter import Workflows
from gateway.durable.encryption import JsonCipher, key_in
from gateway.durable.executor import STANDARD, DatabaseExecutor, Patience
from gateway.durable.journal import DbosJournal, Lost
from gateway.durable.leases import WorkerLease
from gateway.durable.port import Body, Fault, Json, Record, Status, StepFailed
from gateway.durable.retries import MASKED, StepRetrier, fault_of
from gateway.durable.run import WorkflowInterrupted, WorkflowRun
from gateway.durable.serialization import check_input
from gateway.durable.signals import ChangeNotifier, Signals
from gateway.durable.store import Store
from gateway.durable.supervisor import Resources, Supervisor
from gateway.durable.watching import Watches
from gateway.durable.write_behind import WriteBehindBuffer
from gateway.errors import FlowsUnavailable
from gateway.events import Hook

# How soon a change made by another process is seen.
POLL_SECONDS = 0.5
UNKNOWN = Fault(MASKED, "This version of the gateway knows no such flow.")


class DbosDurable:
    """One per process. `directory` holds the slots, and the key where none is given."""

    def __init__(
        self,
        url: str,
        directory: Path,
        *,
        clock: Clock,
        hook: Hook,
        dice: random.Random,
        retention: float,
        key: bytes | None = None,
        patience: Patience = STANDARD,
    ) -> None:
        """Touches nothing yet. `url` is SQLAlchemy's; `retention` is in seconds, `key` has 32 bytes."""
        self._url = url
        self._directory = directory
        self._key = key
        self._clock = clock
        self._hook = hook
        self._attempts = StepRetrier(clock, hook, dice)
        self._bodies: dict[str, Body] = {}
        self._bells = Signals(clock)
        self._changes = ChangeNotifier(clock)
        self._watches = Watches(self._looks)
        self._patience = patience
        self._bound = DatabaseExecutor(patience)
        self._keeper = Supervisor(self._open, self._engage, self._bound, clock, hook, retention)
        self._scribe = WriteBehindBuffer(
            lambda batch: self._bound.call(partial(self._store.write, batch)), self._changes.changed, clock
        )

    def define(self, name: str, body: Body) -> None:
        self._bodies[name] = body

    async def launch(self) -> None:
        """Where the store cannot be reached it is tried again, as long as it takes: `problem` tells."""
        await self._keeper.start()

    async def aclose(self) -> None:
        await self._keeper.stop()
        await self._scribe.aclose()
        await self._bound.aclose()
        self._keeper.close()

    async def start(self, name: str, id: str, input: Json) -> Record:
        """Raises InvalidInput also for an input that is too large to be kept."""
        check_input(input)
        workflows = self._keeper.workflows
        if await self._bound.change(partial(self._store.accept, name, id, input)):
            workflows.start(id)
        record = await self.get(id)
        if record is None:
            raise FlowsUnavailable("The flow is gone. Ask again.")
        return record

    async def get(self, id: str) -> Record | None:
        return await self._bound.call(partial(self._store.get, id))

    async def list(
        self, *, prefix: str = "", status: Status | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Record]:
        return await self._bound.call(partial(self._store.page, prefix, status, limit, before))

    async def wait(self, id: str, seconds: float) -> Record | None:
        until = self._clock.monotonic() + seconds
        with self._watches.of(id) as watched:
            while not watched.is_over and (left := until - self._clock.monotonic()) > 0:
                await self._changes.wait(watched.news, left)
            record = watched.latest
        return record if record is not None and record.status.is_final else await self.get(id)

    async def watch(self, id: str) -> AsyncIterator[Record]:
        last = None
        with self._watches.of(id) as watched:
            while True:
                news, record = watched.news, watched.latest
                if record is not None and record is not last:
                    last = record
                    yield record
                elif watched.is_over:
                    watched.check()
                    return
                else:
                    await news.wait()

    async def _looks(self, id: str) -> AsyncGenerator[Record, None]:
        seen, last = None, None
        while True:
            mark = self._changes.mark(id)
            version = await self._bound.call(partial(self._store.version, id))
            if version is None:
                return
            # The record may be newer than the version that was read before it.
            if version != seen and (record := await self.get(id)) not in (None, last):
                seen, last = version, record
                yield record
                if record.status.is_final:
                    return
            await self._changes.wait(mark, POLL_SECONDS)

    async def cancel(self, id: str) -> Record | None:
        await self._bound.change(partial(self._store.cancel, id))
        self._changes.changed(id)
        return await self.get(id)

    async def retry(self, id: str) -> Record | None:
        await self._bound.change(partial(self._store.resume, id))
        self._changes.changed(id)
        self._keeper.hurry()
        return await self.get(id)

    async def prune(self, older_than: float) -> int:
        total = 0
        while gone := await self._bound.call(partial(self._store.prune, older_than)):
            total += gone
        return total

    async def remember(self, name: str, seconds: float) -> bool:
        return await self._bound.call(partial(self._store.remember, name, seconds))

    async def wait_for_event(self, topic: str, seconds: float) -> bool:
        return await self._bells.wait(topic, seconds)

    def signal(self, topic: str) -> None:
        self._bells.ring(topic)

    def problem(self) -> str | None:
        return self._keeper.problem

    @property
    def _store(self) -> Store:
        """Raises FlowsUnavailable."""
        return self._keeper.store

    def _open(self) -> Resources:
        """Blocks. Raises KeyFileError, NoSlot, SealBroken, FlowsUnavailable."""
        self._seal = JsonCipher(self._key or key_in(self._directory))
        store = Store(self._url, self._seal, self._clock, patience=self._patience.statement)
        try:
            store.prepare()
            return Resources(store, WorkerLease(self._directory))
        except BaseException:
            store.close()
            raise

    def _engage(self, ground: Resources) -> Workflows:
        return Workflows(self._url, self._seal, ground.slots.executor, self._live)

    async def _live(self, id: str) -> None:
        """Where the store is gone the task is cancelled: to DBOS the flow is under way, and the keeper takes it up.

        A flow that was resumed before its cancelled body had stopped is idle then, and begun again.
        """
        try:
            record = await self.get(id)
            if record is not None and not record.status.is_final:
                await self._once_through(record)
        except (FlowsUnavailable, Lost) as exc:
            raise asyncio.CancelledError from exc

    async def _once_through(self, record: Record) -> None:
        steps = await self._bound.call(partial(self._store.steps, record.id))
        stand = _Stand(self, record.id)
        running = WorkflowRun(record.id, DbosJournal(record, steps, stand, self._scribe), self._attempts, self._clock)
        end = partial(self._store.end, record.id, Status.DONE)
        try:
            end = partial(end, output=await self._body(record)(running, record.input))
        except Lost:
            raise
        except WorkflowInterrupted:
            return
        except Exception as error:
            fault = fault_of(error, self._hook)
            end = partial(self._store.end, record.id, Status.FAILED, fault=fault, group=running.group_of(fault))
        await self._scribe.flush()
        await self._bound.call(end)
        self._changes.changed(record.id)

    def _body(self, record: Record) -> Body:
        """Raises StepFailed."""
        if record.name not in self._bodies:
            raise StepFailed(UNKNOWN)
        return self._bodies[record.name]

    async def check(self, id: str) -> None:
        """Raises Stopped where the flow may not go on, FlowsUnavailable."""
        if await self._bound.call(partial(self._store.status, id)) is not Status.RUNNING:
            raise WorkflowInterrupted

    async def rest(self, id: str, until: float) -> None:
        while (left := until - self._clock.now()) > 0:
            mark = self._changes.mark(id)
            await self.check(id)
            await self._changes.wait(mark, min(left, POLL_SECONDS))
        await self.check(id)


@dataclass(frozen=True, slots=True)
class _Stand:
    engine: DbosDurable
    id: str

    async def check(self) -> None:
        try:
            await self.engine.check(self.id)
        except FlowsUnavailable as exc:
            raise Lost from exc

    async def rest(self, until: float) -> None:
        try:
            await self.engine.rest(self.id, until)
        except FlowsUnavailable as exc:
            raise Lost from exc

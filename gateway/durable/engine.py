"""The durable engine over DBOS and a database.

A workflow is accepted by writing one row of the gateway's own; everything else follows from that row. So a rejected
workflow leaves nothing that could run later, and an accepted one is run by any process that finds it idle, even if the
accepting process died immediately.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.clock import Clock
from gateway.durable.dbos_adapter import Workflows
from gateway.durable.encryption import JsonCipher, key_in
from gateway.durable.executor import STANDARD, DatabaseExecutor, StoreTimeouts
from gateway.durable.journal import DbosJournal, Lost
from gateway.durable.leases import LeaseLost
from gateway.durable.port import STEP_SECONDS, Body, Fault, Json, Record, Status, StepFailed, Tally
from gateway.durable.retries import MASKED, StepRetrier, fault_of
from gateway.durable.run import WorkflowInterrupted, WorkflowRun
from gateway.durable.serialization import check_input
from gateway.durable.signals import ChangeNotifier, Signals
from gateway.durable.step_spans import StepSpans, notes_of_origin
from gateway.durable.store import Changed, WorkflowStore
from gateway.durable.supervisor import Resources, Supervisor
from gateway.durable.watching import Watches
from gateway.durable.write_behind import WriteBehindBuffer
from gateway.errors import FlowsUnavailable
from gateway.events import Hook
from gateway.spans import Tracer

# A dead host's flows are continued within this time and a few seconds.
LEASE_SECONDS = 8.0
# The interval at which changes made by other processes are detected.
POLL_SECONDS = 0.5
UNKNOWN = Fault(MASKED, "This version of the gateway does not know this kind of flow.")


class DbosDurable:
    """A `Durable`, one per process. `directory` holds the worker leases, and the key file if no `key` is given."""

    def __init__(
        self,
        url: str,
        directory: Path,
        *,
        clock: Clock,
        hook: Hook,
        dice: random.Random,
        retention: float,
        key: Callable[[], bytes] | None = None,
        patience: StoreTimeouts = STANDARD,
        lease: float = LEASE_SECONDS,
        tracer: Tracer | None = None,
    ) -> None:
        """Store the configuration; nothing is opened yet.

        `url` is SQLAlchemy's; `retention` is in seconds. `key` returns 32 bytes; it may block, and raises
        KeyFileError and FlowsUnavailable. `lease` is for how many seconds this process has its flows where it shares
        them with other machines. `tracer` makes the spans of the steps.
        """
        self._url = url
        self._directory = directory
        self._key = key or partial(key_in, directory)
        self._clock = clock
        self._hook = hook
        self._retrier = StepRetrier(clock, hook, dice, self.wait_for_event)
        self._bodies: dict[str, Body] = {}
        self._is_leaving = False
        self._signals = Signals(clock)
        self._changes = ChangeNotifier(clock)
        self._watches = Watches(self._poll)
        self._patience = patience
        self._lease_seconds = lease
        self._tracer = tracer
        self._database = DatabaseExecutor(patience)
        self._supervisor = Supervisor(
            self._open, self._workflows_on, lambda: self._write_behind.drop(), self._database, clock, hook, retention
        )
        self._write_behind = WriteBehindBuffer(self._write_changes, self._changes.changed, clock)

    def define(self, name: str, body: Body) -> None:
        self._bodies[name] = body

    async def launch(self) -> None:
        """Start the supervisor, which retries an unreachable store without limit; `problem` returns the reason."""
        await self._supervisor.start()

    async def hand_over(self) -> None:
        self._is_leaving = True
        self._watches.wake_all()
        self._signals.wake_all()
        await self._supervisor.stop(STEP_SECONDS)
        # Before another process takes over: what is written later would replace what that has written.
        await self._write_behind.aclose()
        await self._supervisor.release()

    async def aclose(self) -> None:
        await self._supervisor.stop()
        await self._write_behind.aclose()
        await self._supervisor.release()
        await self._database.aclose()
        self._supervisor.close()

    async def start(self, name: str, id: str, input: Json) -> Record:
        """Start or find a workflow. Also raises InvalidInput if the input is too large to be recorded."""
        check_input(input)
        workflows = None if self._is_leaving else self._supervisor.workflows
        notes = {} if self._tracer is None else notes_of_origin()
        is_new = await self._database.change(partial(self._store.accept, name, id, input, notes=notes))
        if is_new and workflows is not None:
            workflows.start(id)
        record = await self.get(id)
        if record is None:
            raise FlowsUnavailable("The flow is gone. Ask again.")
        return record

    async def get(self, id: str) -> Record | None:
        return await self._database.call(partial(self._store.get, id))

    async def list(
        self, *, prefix: str = "", status: Status | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Record]:
        return await self._database.call(partial(self._store.page, prefix, status, limit, before))

    async def tally(self) -> Tally:
        return await self._database.call(self._store.tally)

    async def wait(self, id: str, seconds: float) -> Record | None:
        until = self._clock.monotonic() + seconds
        with self._watches.of(id) as watched:
            while not (watched.is_over or self._is_leaving) and (left := until - self._clock.monotonic()) > 0:
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

    async def _poll(self, id: str) -> AsyncGenerator[Record, None]:
        seen, last = None, None
        while True:
            mark = self._changes.mark(id)
            version = await self._database.call(partial(self._store.version, id))
            if version is None:
                return
            # The record may be newer than the version, which was read first.
            if version != seen and (record := await self.get(id)) not in (None, last):
                seen, last = version, record
                yield record
                if record.status.is_final:
                    return
            await self._changes.wait(mark, POLL_SECONDS)

    async def cancel(self, id: str) -> Record | None:
        await self._database.change(partial(self._store.cancel, id))
        self._changes.changed(id)
        return await self.get(id)

    async def retry(self, id: str) -> Record | None:
        await self._database.change(partial(self._store.resume, id))
        self._changes.changed(id)
        self._supervisor.wake()
        return await self.get(id)

    async def prune(self, older_than: float) -> int:
        total = 0
        while deleted := await self._database.call(partial(self._store.prune, older_than)):
            total += deleted
        return total

    async def erase(self, ids: Sequence[str]) -> bool:
        return await self._database.call(partial(self._store.erase, ids))

    async def wait_for_event(self, topic: str, seconds: float) -> bool:
        is_signalled = await self._signals.wait(topic, seconds)
        if self._is_leaving:
            # A step that polls has no effect in progress: it is interrupted here, and executed again elsewhere.
            raise asyncio.CancelledError
        return is_signalled

    def signal(self, topic: str) -> None:
        self._signals.send(topic)

    def problem(self) -> str | None:
        return self._supervisor.problem

    @property
    def _store(self) -> WorkflowStore:
        """The open store. Raises FlowsUnavailable."""
        return self._supervisor.store

    def _open(self) -> Resources:
        """Open the store and take a worker lease. Blocks.

        Raises KeyFileError, NoSlot, StoreTooNew, DecryptionError, FlowsUnavailable.
        """
        self._cipher = JsonCipher(self._key())
        store = WorkflowStore(self._url, self._cipher, self._clock, patience=self._patience.statement)
        try:
            store.prepare()
            return Resources(store, store.lease(self._directory, self._lease_seconds, self._clock.monotonic))
        except BaseException:
            store.close()
            raise

    async def _write_changes(self, batch: dict[str, Changed]) -> None:
        await self._database.call(partial(self._store.write, batch, self._supervisor.lease.token))

    def _workflows_on(self, resources: Resources) -> Workflows:
        return Workflows(self._url, self._cipher, resources.lease.executor, self._run)

    async def _run(self, id: str) -> None:
        """Run the workflow until it has ended.

        If the store is unreachable, the task is cancelled: for DBOS the workflow is still running, and the supervisor
        requeues it. A workflow that was resumed before its cancelled body had stopped is idle then, and started again.
        """
        try:
            record = await self.get(id)
            if record is not None and not record.status.is_final:
                await self._run_once(record)
        except (FlowsUnavailable, LeaseLost, Lost) as exc:
            raise asyncio.CancelledError from exc

    async def _run_once(self, record: Record) -> None:
        token = self._supervisor.lease.token
        steps = await self._database.call(partial(self._store.steps, record.id))
        guard = _RunGuard(self, record.id, token)
        journal = DbosJournal(record, steps, guard, self._write_behind)
        spans = None if self._tracer is None else StepSpans(self._tracer, record)
        run = WorkflowRun(record.id, journal, self._retrier, self._clock, spans)
        end = partial(self._store.end, record.id, Status.DONE)
        try:
            end = partial(end, output=await self._body(record)(run, record.input))
        except Lost:
            raise
        except WorkflowInterrupted:
            return
        except Exception as error:
            fault = fault_of(error, self._hook)
            end = partial(self._store.end, record.id, Status.FAILED, fault=fault, group=run.group_of(fault))
        await self._write_behind.flush()
        await self._database.call(partial(end, token=token))
        self._changes.changed(record.id)

    def _body(self, record: Record) -> Body:
        """Return the registered body. Raises StepFailed if this version has none."""
        if record.name not in self._bodies:
            raise StepFailed(UNKNOWN)
        return self._bodies[record.name]

    async def check(self, id: str, token: int) -> None:
        """Raise WorkflowInterrupted if the workflow may not go on here, FlowsUnavailable if that is unknown."""
        if self._is_leaving:
            raise Lost
        if await self._database.call(partial(self._store.status_for_run, id, token)) is not Status.RUNNING:
            raise WorkflowInterrupted

    def check_lease(self, token: int) -> None:
        """Raise Lost unless this process still has the lease of this token."""
        lease = self._supervisor.lease
        if lease.token != token or lease.remaining() <= 0:
            raise Lost

    async def rest(self, id: str, until: float, token: int) -> None:
        """Sleep until a Unix second. Raises WorkflowInterrupted, FlowsUnavailable."""
        while (left := until - self._clock.now()) > 0:
            mark = self._changes.mark(id)
            await self.check(id, token)
            await self._changes.wait(mark, min(left, POLL_SECONDS))
        await self.check(id, token)


@dataclass(frozen=True, slots=True)
class _RunGuard:
    """The guard of one workflow's run; an unreachable store interrupts the run."""

    engine: DbosDurable
    id: str
    token: int

    async def check(self) -> None:
        try:
            await self.engine.check(self.id, self.token)
        except (FlowsUnavailable, LeaseLost) as exc:
            raise Lost from exc
        self.check_lease()

    async def rest(self, until: float) -> None:
        try:
            await self.engine.rest(self.id, until, self.token)
        except (FlowsUnavailable, LeaseLost) as exc:
            raise Lost from exc

    def check_lease(self) -> None:
        self.engine.check_lease(self.token)

"""The supervisor of workflows: opens their store, and checks once a second for work that no process does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway.clock import Clock
from gateway.durable.dbos_adapter import Workflows
from gateway.durable.encryption import DecryptionError, KeyFileError
from gateway.durable.executor import DatabaseExecutor
from gateway.durable.leases import LeaseLost, NoSlot, WorkerLease
from gateway.durable.port import Fault, Status
from gateway.durable.signals import Signals
from gateway.durable.store import WorkflowStore
from gateway.durable.tables import GIVEN_UP
from gateway.errors import FlowsUnavailable
from gateway.events import (
    FlowsDirectoryRefused,
    Hook,
    WorkerLeaseLost,
    WorkflowsRecovered,
    WorkflowStoreAvailabilityChanged,
)
from gateway.migrations import StoreTooNew

T = TypeVar("T")

TICK_SECONDS = 1.0
RENEW_SECONDS = 1.0
LAUNCH_SECONDS = 5.0
PRUNE_SECONDS = 600.0
# How long an accepted workflow may take to reach DBOS before other processes start it.
ON_THE_WAY_SECONDS = 5.0
WAKE = "wake"

WRONG_KEY = "The flows were written with another key: restore it, or give the gateway a database of its own."
TOO_NEW = "The flows were written by a newer gateway: start that one."
NOT_OPEN = "The store of the flows is not open yet."
UNREACHABLE = "The store of the flows cannot be reached."
# Shown without authentication, so without the paths: these are in the log.
NO_KEY = "The key of the flows cannot be used."
TAKEN_OVER = "Another process takes over the flows of this one, which has not answered for a while."
NO_SLOT = "No lease is free for this process to run flows."
POISON_WORKFLOW = Fault("INTERNAL_SERVER_ERROR", "The gateway went down again and again while this flow ran.")


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the engine: the store, and this process's worker lease."""

    store: WorkflowStore
    lease: WorkerLease


Open = Callable[[], Resources]
Launch = Callable[[Resources], Workflows]


class Supervisor:
    """The background task that opens the store, recovers and starts workflows, and prunes ended ones."""

    def __init__(
        self,
        open: Open,
        launch_dbos: Launch,
        forget_changes: Callable[[], None],
        database: DatabaseExecutor,
        clock: Clock,
        hook: Hook,
        retention: float,
    ) -> None:
        """`open` blocks, and raises KeyFileError, NoSlot, StoreTooNew, DecryptionError or FlowsUnavailable.

        `launch_dbos` and `forget_changes` do not block; the latter drops what was to be recorded about runs.
        """
        self.problem: str | None = NOT_OPEN
        self._open = open
        self._launch = launch_dbos
        self._forget_changes = forget_changes
        self._database = database
        self._clock = clock
        self._hook = hook
        self._retention = retention
        self._signals = Signals(clock)
        self._resources: Resources | None = None
        self._workflows: Workflows | None = None
        self._open_attempted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._orphaned: frozenset[str] = frozenset()
        self._pruned_at = float("-inf")

    @property
    def store(self) -> WorkflowStore:
        """The open store. Raises FlowsUnavailable."""
        return self._require(self._resources).store

    @property
    def lease(self) -> WorkerLease:
        """The worker lease. Raises FlowsUnavailable."""
        return self._require(self._resources).lease

    @property
    def workflows(self) -> Workflows:
        """The running DBOS instance. Raises FlowsUnavailable."""
        return self._require(self._workflows)

    async def start(self) -> None:
        """Start the task. Returns when the store is open, or after the first failed attempt to open it."""
        self._task = asyncio.ensure_future(self._supervise())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAUNCH_SECONDS):
                await self._open_attempted.wait()

    def wake(self) -> None:
        """Wake the task before its next tick."""
        self._signals.send(WAKE)

    async def stop(self, seconds: float = 0.0) -> None:
        """Stop the task and DBOS. Idempotent. The store stays open until `close`: threads may still use it.

        Workflows that end within `seconds`, because they may not begin another step, are not cancelled.
        """
        await _cancelled(self._task)
        try:
            if self._workflows is not None and seconds:
                await self._workflows.finish(seconds)  # with the lease, or others would begin the same steps
        finally:
            await _cancelled(self._keeping)
        if self._workflows is not None:
            await self._workflows.stop()
            await self._database.work(self._workflows.close)
            self._workflows = None

    async def release(self) -> None:
        """Release the worker lease, so that other processes take over its workflows. Idempotent."""
        if self._resources is not None:
            with contextlib.suppress(FlowsUnavailable):
                await self._database.call(self._resources.lease.close)

    def close(self) -> None:
        """Close the store. Idempotent."""
        resources, self._resources = self._resources, None
        if resources is not None:
            resources.store.close()

    async def _supervise(self) -> None:
        while not await self._try_open():
            await self._clock.sleep(TICK_SECONDS)
        self._keeping = asyncio.ensure_future(self._keep_lease())
        while True:
            if self.lease.remaining() > 0:
                await self._check()
            await self._signals.wait(WAKE, TICK_SECONDS)

    async def _try_open(self) -> bool:
        try:
            if self._resources is None:
                await self._database.work(self._open_resources)
            workflows = self._launch(self._require(self._resources))
            try:
                await self._database.work(workflows.launch)
            except BaseException:
                await self._database.work(workflows.close)
                raise
        except KeyFileError as error:
            self._report_unusable(NO_KEY, error)
        except NoSlot as error:
            self._report_unusable(NO_SLOT, error)
        except StoreTooNew as error:
            self._report_unusable(TOO_NEW, error)
        except DecryptionError:
            self._set_problem(WRONG_KEY)
        except Exception:
            # DBOS raises various errors for an unreachable database.
            self._set_problem(UNREACHABLE)
        else:
            self._workflows = workflows
            self._set_problem(None)
        self._open_attempted.set()
        return self._workflows is not None

    def _open_resources(self) -> None:
        """Store the resources in the thread: a caller that is cancelled meanwhile would leak them open."""
        self._resources = self._open()

    async def _keep_lease(self) -> None:
        """Renew the lease. When it has ended, stop all workflows, which others continue, and take it again."""
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self._database.call(self.lease.renew)
            except Exception:
                # Whatever it is: without this task the process would never run a flow again.
                if self.lease.remaining() <= 0:
                    await self._begin_again()

    async def _begin_again(self) -> None:
        await self.workflows.interrupt()
        self._forget_changes()
        try:
            await self._database.call(self.lease.retake)
        except LeaseLost:
            self._set_problem(TAKEN_OVER)
        except Exception:
            self._set_problem(UNREACHABLE)
        else:
            self._hook(WorkerLeaseLost(self.lease.executor))

    async def _check(self) -> None:
        try:
            await self._database.call(self.store.ping)
            await self._recover_abandoned()
            await self._start_idle()
            await self._requeue_orphaned()
            await self._prune()
        except Exception:
            # DBOS raises various errors for an unreachable database; the next check follows in a second.
            self._set_problem(UNREACHABLE)
        else:
            self._set_problem(None)

    async def _recover_abandoned(self) -> None:
        """Recover the workflows of dead processes. Their leases are locked meanwhile, so no other process does."""
        with contextlib.ExitStack() as locks:
            for executor in await self._database.work(lambda: locks.enter_context(self.lease.abandoned())):
                if flows := await self._database.work(partial(self.workflows.adopt, executor)):
                    self._hook(WorkflowsRecovered(executor, flows))

    async def _start_idle(self) -> None:
        idle = await self._database.call(partial(self.store.idle, self._clock.now() - ON_THE_WAY_SECONDS))
        for id, status in idle.items():
            if status is None:
                self.workflows.start(id)
            elif status == GIVEN_UP:
                await self._database.call(partial(self.store.end, id, Status.FAILED, fault=POISON_WORKFLOW))
            else:
                await self._rerun(id)

    async def _rerun(self, id: str) -> None:
        # Another process may have rerun it first: then DBOS refuses, as it has not ended.
        with contextlib.suppress(Exception):
            await self._database.work(partial(self.workflows.again, id))

    async def _requeue_orphaned(self) -> None:
        """Requeue workflows that DBOS records as running here, but that two checks in a row did not find running.

        The database was unreachable when DBOS should have started or ended them.
        """
        held = await self._database.call(partial(self.store.held, self.lease.executor))
        orphaned = held - self.workflows.running
        for id in orphaned & self._orphaned:
            await self._database.work(partial(self.workflows.take_up, id))
        self._orphaned = orphaned

    async def _prune(self) -> None:
        now = self._clock.monotonic()
        if now - self._pruned_at >= PRUNE_SECONDS:
            while await self._database.call(partial(self.store.prune, self._clock.now() - self._retention)):
                pass
            self._pruned_at = now

    def _report_unusable(self, problem: str, error: Exception) -> None:
        if problem != self.problem:
            self._hook(FlowsDirectoryRefused(str(error)))
        self._set_problem(problem)

    def _set_problem(self, problem: str | None) -> None:
        if (problem is None) != (self.problem is None) or (problem and self.problem == NOT_OPEN):
            self._hook(WorkflowStoreAvailabilityChanged(problem is None))
        self.problem = problem

    def _require(self, resource: T | None) -> T:
        if resource is None:
            raise FlowsUnavailable(self.problem or NOT_OPEN)
        return resource


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    """Cancel the task, and wait for its end."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

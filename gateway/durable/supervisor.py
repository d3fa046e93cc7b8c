"""Keeps flows running: opens their store as soon as it can be, and looks once a second for work that nobody does."""

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
from gateway.durable.leases import NoSlot, WorkerLease
from gateway.durable.port import Fault, Status
from gateway.durable.signals import Signals
from gateway.durable.store import Store
from gateway.durable.tables import GIVEN_UP
from gateway.errors import FlowsUnavailable
from gateway.events import FlowsDirectoryRefused, Hook, WorkflowsRecovered, WorkflowStoreAvailabilityChanged

T = TypeVar("T")

TICK_SECONDS = 1.0
LAUNCH_SECONDS = 5.0
PRUNE_SECONDS = 600.0
# How long an accepted flow may be on its way to DBOS before others begin it.
ON_THE_WAY_SECONDS = 5.0
HURRY = "hurry"

WRONG_KEY = "The flows were written with another key: restore it, or give the gateway a database of its own."
NOT_OPEN = "The store of the flows is not open yet."
UNREACHABLE = "The store of the flows cannot be reached."
# Told to anybody, so without the paths: these are in the log.
NO_KEY = "The key of the flows cannot be used."
NO_SLOT = "There is no slot for this process to run flows in."
POISON_WORKFLOW = Fault("INTERNAL_SERVER_ERROR", "The gateway went down again and again while this flow ran.")


@dataclass(frozen=True, slots=True)
class Resources:
    """What flows run on: their rows, and this process's slot."""

    store: Store
    slots: WorkerLease


Open = Callable[[], Resources]
Launch = Callable[[Resources], Workflows]


class Supervisor:
    def __init__(
        self, open: Open, engage: Launch, bound: DatabaseExecutor, clock: Clock, hook: Hook, retention: float
    ) -> None:
        """`open` blocks, and raises KeyFileError, NoSlot, SealBroken or FlowsUnavailable; `engage` does not block."""
        self.problem: str | None = NOT_OPEN
        self._open = open
        self._engage = engage
        self._bound = bound
        self._clock = clock
        self._hook = hook
        self._retention = retention
        self._bells = Signals(clock)
        self._ground: Resources | None = None
        self._workflows: Workflows | None = None
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stray: frozenset[str] = frozenset()
        self._pruned_at = float("-inf")

    @property
    def store(self) -> Store:
        """Raises FlowsUnavailable."""
        return self._need(self._ground).store

    @property
    def workflows(self) -> Workflows:
        """Raises FlowsUnavailable."""
        return self._need(self._workflows)

    async def start(self) -> None:
        """Returns when the store is open, or cannot be opened just now."""
        self._task = asyncio.ensure_future(self._keep())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAUNCH_SECONDS):
                await self._tried.wait()

    def hurry(self) -> None:
        self._bells.ring(HURRY)

    async def stop(self) -> None:
        """Once more does no harm. The store stays open until `close`: threads may be at it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        workflows, self._workflows = self._workflows, None
        if workflows is not None:
            await workflows.stop()
            await self._bound.work(workflows.close)

    def close(self) -> None:
        """Once more does no harm."""
        ground, self._ground = self._ground, None
        if ground is not None:
            ground.slots.close()
            ground.store.close()

    async def _keep(self) -> None:
        while not await self._opened():
            await self._clock.sleep(TICK_SECONDS)
        while True:
            await self._look()
            await self._bells.wait(HURRY, TICK_SECONDS)

    async def _opened(self) -> bool:
        try:
            if self._ground is None:
                await self._bound.work(self._open_ground)
            workflows = self._engage(self._need(self._ground))
            try:
                await self._bound.work(workflows.launch)
            except BaseException:
                await self._bound.work(workflows.close)
                raise
        except KeyFileError as error:
            self._refuse(NO_KEY, error)
        except NoSlot as error:
            self._refuse(NO_SLOT, error)
        except DecryptionError:
            self._tell(WRONG_KEY)
        except Exception:
            # Whatever DBOS makes of a database that is gone.
            self._tell(UNREACHABLE)
        else:
            self._workflows = workflows
            self._tell(None)
        self._tried.set()
        return self._workflows is not None

    def _open_ground(self) -> None:
        """Kept here, in the thread: a caller that is cancelled meanwhile would lose it open."""
        self._ground = self._open()

    async def _look(self) -> None:
        try:
            await self._bound.call(self.store.ping)
            await self._adopt()
            await self._begin_idle()
            await self._take_up_stray()
            await self._prune()
        except Exception:
            # Whatever DBOS makes of a database that is gone: the next look is a second away.
            self._tell(UNREACHABLE)
        else:
            self._tell(None)

    async def _adopt(self) -> None:
        """A sibling's slot is ours to look into while we hold its lock."""
        slots = self._need(self._ground).slots
        with contextlib.ExitStack() as locks:
            for executor in await self._bound.work(lambda: locks.enter_context(slots.abandoned())):
                if flows := await self._bound.work(partial(self.workflows.adopt, executor)):
                    self._hook(WorkflowsRecovered(executor, flows))

    async def _begin_idle(self) -> None:
        idle = await self._bound.call(partial(self.store.idle, self._clock.now() - ON_THE_WAY_SECONDS))
        for id, status in idle.items():
            if status is None:
                self.workflows.start(id)
            elif status == GIVEN_UP:
                await self._bound.call(partial(self.store.end, id, Status.FAILED, fault=POISON_WORKFLOW))
            else:
                await self._again(id)

    async def _again(self, id: str) -> None:
        # Another process may have been faster: then it is not at its end any more.
        with contextlib.suppress(Exception):
            await self._bound.work(partial(self.workflows.again, id))

    async def _take_up_stray(self) -> None:
        """What DBOS believes to run here, and at two looks did not: its database was gone when it should have."""
        held = await self._bound.call(partial(self.store.held, self._need(self._ground).slots.executor))
        stray = held - self.workflows.running
        for id in stray & self._stray:
            await self._bound.work(partial(self.workflows.take_up, id))
        self._stray = stray

    async def _prune(self) -> None:
        now = self._clock.monotonic()
        if now - self._pruned_at >= PRUNE_SECONDS:
            while await self._bound.call(partial(self.store.prune, self._clock.now() - self._retention)):
                pass
            while await self._bound.call(self.store.forget_names):
                pass
            self._pruned_at = now

    def _refuse(self, problem: str, error: Exception) -> None:
        if problem != self.problem:
            self._hook(FlowsDirectoryRefused(str(error)))
        self._tell(problem)

    def _tell(self, problem: str | None) -> None:
        if (problem is None) != (self.problem is None) or (problem and self.problem == NOT_OPEN):
            self._hook(WorkflowStoreAvailabilityChanged(problem is None))
        self.problem = problem

    def _need(self, part: T | None) -> T:
        if part is None:
            raise FlowsUnavailable(self.problem or NOT_OPEN)
        return part

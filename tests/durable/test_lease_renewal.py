"""The lease of a process: it is renewed as long as a step may run, whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

from gateway.durable.dbos_adapter import Workflows
from gateway.durable.executor import STANDARD, DatabaseExecutor
from gateway.durable.port import STEP_SECONDS
from gateway.durable.store import WorkflowStore
from gateway.durable.supervisor import RENEW_SECONDS, Resources, Supervisor
from gateway.events import ignore
from tests.fakes.clock import VirtualClock

CLOCK = VirtualClock()


class Lease:
    """The lease of a process, in memory."""

    executor, token = "own", 1

    def __init__(self) -> None:
        self.renewed = 0

    def remaining(self) -> float:
        return 3.0

    def renew(self) -> None:
        self.renewed += 1
        if self.renewed == 2:
            raise RuntimeError("what nobody has foreseen")

    @contextlib.contextmanager
    def abandoned(self) -> Iterator[tuple[str, ...]]:
        yield ()


class OneStep:
    """Workflows of which one is in the midst of a step."""

    running = frozenset[str]()

    def launch(self) -> None:
        pass

    async def finish(self, seconds: float) -> None:
        await CLOCK.sleep(seconds)

    async def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


class NoFlows:
    """A store without flows."""

    @property
    def names(self) -> NoFlows:
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *_: {} if name == "idle" else frozenset()


async def test_the_lease_is_renewed_until_the_last_step_has_ended() -> None:
    lease, database = Lease(), DatabaseExecutor(STANDARD)
    resources = Resources(cast(WorkflowStore, NoFlows()), cast(Any, lease))
    supervisor = Supervisor(
        lambda: resources, lambda _: cast(Workflows, OneStep()), lambda: None, database, CLOCK, ignore, 1.0
    )
    await supervisor.start()
    await CLOCK.sleep(5 * RENEW_SECONDS)
    before = lease.renewed
    assert before > 2
    await supervisor.stop(STEP_SECONDS)
    ended = lease.renewed
    assert ended - before >= STEP_SECONDS // RENEW_SECONDS - 1
    await CLOCK.sleep(2 * RENEW_SECONDS)
    assert lease.renewed == ended
    await database.aclose()

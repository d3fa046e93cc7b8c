"""The journal of a workflow run by DBOS: DBOS stores step results, the gateway's own tables the step records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError

from gateway.durable.port import Json, Record, StepRecord, StepState
from gateway.durable.rerun import Numbered
from gateway.durable.run import WorkflowInterrupted
from gateway.durable.write_behind import WriteBehindBuffer


class NotDeterministic(Exception):
    """A replayed body requested other steps than in its first run."""


class Lost(WorkflowInterrupted):
    """The run is abandoned, to be resumed: when the store is reachable again, or by another process."""


class Stand(Protocol):
    """The guard of a run, which knows the workflow's current status. Its methods raise WorkflowInterrupted."""

    async def check(self) -> None:
        """Raise WorkflowInterrupted if the workflow may not go on."""

    async def rest(self, until: float) -> None:
        """Sleep until a Unix second."""

    def check_lease(self) -> None:
        """Raise WorkflowInterrupted if another process may run the workflow by now."""


class DbosJournal:
    """A `Journal` over DBOS. The steps and notes are those that the previous run has left."""

    def __init__(self, record: Record, steps: Numbered, guard: Stand, write_behind_buffer: WriteBehindBuffer) -> None:
        self._id = record.id
        self._steps = dict(steps)
        self._notes: dict[str, Json] = dict(record.notes)
        self._guard = guard
        self._write_behind = write_behind_buffer

    def reserve(self) -> DbosPosition:
        return DbosPosition(self._guard)

    async def rest(self, until: float) -> None:
        await self._guard.rest(until)

    def begun(self, number: int) -> StepRecord | None:
        _, record = self._steps.get(number, (0, None))
        return record if record and record.state is StepState.RUNNING else None

    def step(self, group: int, number: int, record: StepRecord) -> None:
        if self._steps.get(number) != (group, record):
            self._steps[number] = group, record
            self._write_behind.step(self._id, number, group, record)

    def check_lease(self) -> None:
        self._guard.check_lease()

    async def written(self) -> None:
        await self._write_behind.flush()

    def note(self, key: str, value: Json) -> None:
        if key not in self._notes or self._notes[key] != value:
            self._notes[key] = value
            self._write_behind.note(self._id, key, value)


class DbosPosition:
    """A reserved step id of DBOS."""

    def __init__(self, guard: Stand) -> None:
        self._guard = guard
        self._reserved = DBOS.reserve_step()

    @property
    def number(self) -> int:
        return self._reserved.step_id

    async def once(self, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        """Return the recorded result of `act`, or execute and record it.

        Raises Lost if DBOS cannot reach its database, or the workflow now belongs to another process.
        """

        async def recorded() -> Json:
            return await act()

        await self._guard.check()
        try:
            return await self._reserved.run_async({"name": name}, recorded)
        except DBOSUnexpectedStepError as exc:
            raise NotDeterministic(f"at step {self.number}") from exc
        except Exception as exc:
            raise Lost from exc

"""The journal of a flow that DBOS runs: results are DBOS's, how steps stand is in our own tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError

from gateway.durable.port import Json, Record, StepRecord, StepState
from gateway.durable.resume import Numbered
from gateway.durable.run import WorkflowInterrupted
from gateway.durable.write_behind import WriteBehindBuffer


class NotDeterministic(Exception):
    """A body asked for other steps than when it first came here."""


class Lost(WorkflowInterrupted):
    """Nothing can be recorded: the flow is left where it stands, and run again when it can."""


class Stand(Protocol):
    """What the engine knows of the flow just now. Both raise Stopped."""

    async def check(self) -> None:
        """Whether it may go on."""

    async def rest(self, until: float) -> None: ...


class DbosJournal:
    """`steps` and `notes` are as a run before this one left them."""

    def __init__(self, record: Record, steps: Numbered, stand: Stand, scribe: WriteBehindBuffer) -> None:
        self._id = record.id
        self._steps = dict(steps)
        self._notes: dict[str, Json] = dict(record.notes)
        self._stand = stand
        self._scribe = scribe

    def reserve(self) -> Place:
        return Place(self._stand)

    async def rest(self, until: float) -> None:
        await self._stand.rest(until)

    def begun(self, number: int) -> StepRecord | None:
        _, record = self._steps.get(number, (0, None))
        return record if record and record.state is StepState.RUNNING else None

    def step(self, group: int, number: int, record: StepRecord) -> None:
        if self._steps.get(number) != (group, record):
            self._steps[number] = group, record
            self._scribe.step(self._id, number, group, record)

    async def written(self) -> None:
        await self._scribe.flush()

    def note(self, key: str, value: Json) -> None:
        if key not in self._notes or self._notes[key] != value:
            self._notes[key] = value
            self._scribe.note(self._id, key, value)


class Place:
    """A step id of DBOS."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._reserved = DBOS.reserve_step()

    @property
    def number(self) -> int:
        return self._reserved.step_id

    async def once(self, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        """Raises Lost where DBOS has lost its database, or the flow to another process."""

        async def recorded() -> Json:
            return await act()

        await self._stand.check()
        try:
            return await self._reserved.run_async({"name": name}, recorded)
        except DBOSUnexpectedStepError as exc:
            raise NotDeterministic(f"at step {self.number}") from exc
        except Exception as exc:
            raise Lost from exc

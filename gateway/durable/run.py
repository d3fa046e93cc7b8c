"""What a body is given: steps, once each, over whatever journal remembers them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.clock import Clock
from gateway.durable.port import Fault, Json, Step, StepFailed, StepRecord
from gateway.durable.retries import StepRetrier, recorded_form
from gateway.durable.serialization import step_from, step_to

NOW = "now"
SLEEP = "sleep"


class WorkflowInterrupted(BaseException):
    """Nothing of the body may run on: the flow was cancelled, or is no longer this process's."""


class Place(Protocol):
    """A reserved place in the journal."""

    @property
    def number(self) -> int:
        """From 1, in the order in which the body asked."""

    async def once(self, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        """What `act` gave when the flow first came here. Raises Stopped."""


class Journal(Protocol):
    """What an engine remembers of one flow."""

    def reserve(self) -> Place: ...

    async def rest(self, until: float) -> None:
        """Until a Unix second. Raises Stopped as soon as the flow is cancelled."""

    def step(self, group: int, number: int, record: StepRecord) -> None:
        """How a step stands, for those who look. Steps of one `group` were begun by one call."""

    async def written(self) -> None:
        """Until what was told is on record."""

    def begun(self, number: int) -> StepRecord | None:
        """How the step at this place stood before the crash."""

    def note(self, key: str, value: Json) -> None: ...


class WorkflowRun:
    """A `Run` over a journal."""

    def __init__(self, id: str, journal: Journal, attempts: StepRetrier, clock: Clock) -> None:
        self._id = id
        self._journal = journal
        self._attempts = attempts
        self._clock = clock
        self._faults: list[tuple[Fault, int]] = []

    @property
    def id(self) -> str:
        return self._id

    async def step(self, step: Step) -> Json:
        place = self._journal.reserve()
        result = await self._once(place, place.number, step)
        if isinstance(result, Fault):
            raise StepFailed(result)
        return result

    async def steps(self, steps: Sequence[Step], *, width: int) -> list[Json | Fault]:
        # All places are taken before the first step runs: which one ends first must not decide what follows it.
        places = [self._journal.reserve() for _ in steps]
        gate = asyncio.Semaphore(width)

        async def one(place: Place, step: Step) -> Json | Fault:
            async with gate:
                return await self._once(place, places[0].number, step)

        tasks = [asyncio.ensure_future(one(place, step)) for place, step in zip(places, steps, strict=True)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def sleep(self, seconds: float) -> None:
        await self._journal.rest(await self._read(SLEEP, seconds))

    async def now(self) -> float:
        return await self._read(NOW, 0.0)

    async def emit(self, key: str, value: Json) -> None:
        self._journal.note(key, recorded_form(value))

    def group_of(self, fault: Fault) -> int | None:
        """The group of the step that this very fault came from: equal faults may come from steps that were skipped."""
        return next((group for known, group in self._faults if known is fault), None)

    async def _read(self, name: str, ahead: float) -> float:
        async def read() -> Json:
            return self._clock.now() + ahead

        return float(await self._journal.reserve().once(name, read))

    async def _once(self, place: Place, group: int, step: Step) -> Json | Fault:
        async def attempt() -> Json:
            begun = self._journal.begun(place.number)
            outcome = await self._attempts.make(
                self._id,
                step,
                begun,
                lambda record: self._journal.step(group, place.number, record),
                self._journal.written,
            )
            return {"step": step_to(outcome.record), "value": outcome.value}

        recorded = await place.once(step.name, attempt)
        record = step_from(recorded["step"])
        self._journal.step(group, place.number, record)
        if record.fault is None:
            return recorded["value"]
        self._faults.append((record.fault, group))
        return record.fault

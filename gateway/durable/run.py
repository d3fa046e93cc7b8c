"""The run of a workflow's body over a journal, which makes each step's result durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from gateway.clock import Clock
from gateway.durable.port import Fault, Json, Step, StepFailed, StepRecord
from gateway.durable.retries import StepRetrier, recorded_form
from gateway.durable.serialization import step_from, step_to
from gateway.durable.step_spans import StepSpans

NOW = "now"
SLEEP = "sleep"


class WorkflowInterrupted(BaseException):
    """The body must stop at once: the workflow was cancelled, or is no longer run by this process."""


class JournalPosition(Protocol):
    """A reserved position in the journal."""

    @property
    def number(self) -> int:
        """The position, from 1, in the order of reservation."""

    async def once(self, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        """Return the recorded result of `act`, or execute and record it. Raises WorkflowInterrupted."""


class Journal(Protocol):
    """The journal of one workflow, kept by an engine."""

    def reserve(self) -> JournalPosition: ...

    async def rest(self, until: float) -> None:
        """Sleep until a Unix second. Raises WorkflowInterrupted as soon as the workflow is cancelled."""

    def step(self, group: int, number: int, record: StepRecord) -> None:
        """Publish the state of a step to watchers. Steps of one `group` were started by one call."""

    async def written(self) -> None:
        """Wait until everything published so far is stored."""

    def begun(self, number: int) -> StepRecord | None:
        """Return the state before the crash of the step at this position; None if it was not running."""

    def note(self, key: str, value: Json) -> None: ...

    def check_lease(self) -> None:
        """Raise WorkflowInterrupted if another process may run the workflow by now."""


class WorkflowRun:
    """A `Run` over a journal. `spans` are those of its steps, if they are traced."""

    def __init__(
        self, id: str, journal: Journal, retrier: StepRetrier, clock: Clock, spans: StepSpans | None = None
    ) -> None:
        self._id = id
        self._journal = journal
        self._retrier = retrier
        self._clock = clock
        self._spans = spans
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
        # All positions are reserved before the first step runs: the order in which steps end must not affect them.
        places = [self._journal.reserve() for _ in steps]
        semaphore = asyncio.Semaphore(width)

        async def one(place: JournalPosition, step: Step) -> Json | Fault:
            async with semaphore:
                return await self._once(place, places[0].number, step)

        tasks = [asyncio.ensure_future(one(place, step)) for place, step in zip(places, steps, strict=True)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def sleep(self, seconds: float) -> None:
        await self._journal.rest(await self._recorded_time(SLEEP, seconds))

    async def now(self) -> float:
        return await self._recorded_time(NOW, 0.0)

    async def emit(self, key: str, value: Json) -> None:
        self._journal.note(key, recorded_form(value))

    def check_lease(self) -> None:
        self._journal.check_lease()

    def group_of(self, fault: Fault) -> int | None:
        """Return the group of the step that raised this very object: equal faults may come from skipped steps."""
        return next((group for known, group in self._faults if known is fault), None)

    async def _recorded_time(self, name: str, ahead: float) -> float:
        async def read() -> Json:
            return self._clock.now() + ahead

        return float(await self._journal.reserve().once(name, read))

    async def _once(self, place: JournalPosition, group: int, step: Step) -> Json | Fault:
        async def attempt() -> Json:
            make = partial(
                self._retrier.make,
                self._id,
                step,
                self._journal.begun(place.number),
                lambda record: self._journal.step(group, place.number, record),
                self._journal.written,
                self._journal.check_lease,
            )
            outcome = await (make() if self._spans is None else self._spans.step(step, make))
            return {"step": step_to(outcome.record), "value": outcome.value}

        recorded = await place.once(step.name, attempt)
        record = step_from(recorded["step"])
        self._journal.step(group, place.number, record)
        if record.fault is None:
            return recorded["value"]
        self._faults.append((record.fault, group))
        return record.fault

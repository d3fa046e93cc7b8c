"""Durable execution in memory and in the time of the test's clock.

`crash()` stands for `kill -9`, `launch()` for the next start. Only the recorded steps of a flow outlive a crash.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import Clock
from gateway.durable.port import STEP_SECONDS, Body, Fault, Json, Record, Status, StepRecord, StepState, Tally
from gateway.durable.rerun import steps_to_rerun
from gateway.durable.retries import StepRetrier, fault_of
from gateway.durable.run import WorkflowInterrupted, WorkflowRun
from gateway.durable.serialization import check_input
from gateway.durable.signals import ChangeNotifier, Signals
from gateway.errors import FlowsUnavailable, IdempotencyKeyReused
from gateway.events import Hook, ignore


@dataclass
class Kept:
    """One flow on the imagined disk."""

    name: str
    input: str
    created_at: float
    updated_at: float
    order: int
    status: Status = Status.RUNNING
    output: Json = None
    fault: Fault | None = None
    failed_group: int | None = None
    results: dict[int, tuple[str, str]] = field(default_factory=dict)
    steps: dict[int, tuple[int, StepRecord]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class VolatileDurable:
    """`Durable` for tests. `reachable = False` stands for a store that is gone."""

    def __init__(self, clock: Clock, hook: Hook = ignore, seed: int = 0) -> None:
        self.reachable = True
        self._clock = clock
        self._hook = hook
        self._attempts = StepRetrier(clock, hook, random.Random(seed), self.wait_for_event)
        self._bodies: dict[str, Body] = {}
        self._kept: dict[str, Kept] = {}
        self._changes = ChangeNotifier(clock)
        self._signals = Signals(clock)
        self._life: object | None = None
        self._is_leaving = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def define(self, name: str, body: Body) -> None:
        self._bodies[name] = body

    async def launch(self) -> None:
        self._life = object()
        self._is_leaving = False
        for id, kept in self._kept.items():
            if kept.status is Status.RUNNING:
                self._run(id)

    async def hand_over(self) -> None:
        """A step in progress may end. The next start is that of the other process."""
        self._is_leaving = True
        self._signals.wake_all()
        for id in self._kept:
            self._changes.changed(id)
        if tasks := list(self._tasks.values()):
            await asyncio.wait(tasks, timeout=STEP_SECONDS)
        self.crash()

    async def aclose(self) -> None:
        tasks = list(self._tasks.values())
        self.crash()
        await asyncio.gather(*tasks, return_exceptions=True)

    def crash(self) -> None:
        """Also from within a step: then what the step has done is done, and nobody remembers it."""
        self._life = None
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        self._signals = Signals(self._clock)

    async def start(self, name: str, id: str, input: Json) -> Record:
        check_input(input)
        self._reach()
        written = json.dumps(input, sort_keys=True)
        kept = self._kept.get(id)
        if kept is None:
            now = self._clock.now()
            newest = max((kept.order for kept in self._kept.values()), default=0)
            self._kept[id] = Kept(name, written, now, now, newest + 1)
            self._run(id)
        elif (kept.name, kept.input) != (name, written):
            raise IdempotencyKeyReused("This idempotency key was used before with another input: use a new key.")
        return self._record(id)

    async def get(self, id: str) -> Record | None:
        self._reach()
        return self._record(id) if id in self._kept else None

    async def list(
        self, *, prefix: str = "", status: Status | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Record]:
        self._reach()
        if before is not None and before not in self._kept:
            return []
        last = float("inf") if before is None else self._kept[before].order
        found = [
            self._record(id)
            for id, kept in sorted(self._kept.items(), key=lambda item: -item[1].order)
            if id.startswith(prefix) and status in (None, kept.status) and kept.order < last
        ]
        return found[:limit]

    async def tally(self) -> Tally:
        self._reach()
        running = [kept.created_at for kept in self._kept.values() if kept.status is Status.RUNNING]
        return Tally(Counter(kept.status for kept in self._kept.values()), min(running, default=None))

    async def wait(self, id: str, seconds: float) -> Record | None:
        until = self._clock.monotonic() + seconds
        while True:
            mark = self._changes.mark(id)
            record = await self.get(id)
            left = until - self._clock.monotonic()
            if record is None or record.status.is_final or left <= 0 or self._is_leaving:
                return record
            await self._changes.wait(mark, left)

    async def watch(self, id: str) -> AsyncIterator[Record]:
        last = None
        while True:
            mark = self._changes.mark(id)
            record = await self.get(id)
            if record is None:
                return
            if record != last:
                yield record
            if record.status.is_final:
                return
            last = record
            await mark.wait()

    async def cancel(self, id: str) -> Record | None:
        self._reach()
        if (kept := self._kept.get(id)) is None:
            return None
        if kept.status is Status.RUNNING:
            self._set(id, Status.CANCELLED)
        return self._record(id)

    async def retry(self, id: str) -> Record | None:
        self._reach()
        if (kept := self._kept.get(id)) is None:
            return None
        if kept.status in (Status.FAILED, Status.CANCELLED):
            if kept.status is Status.FAILED:
                _rewind(kept)
            self._set(id, Status.RUNNING)
            if id not in self._tasks:
                self._run(id)
        return self._record(id)

    async def prune(self, older_than: float) -> int:
        self._reach()
        old = [id for id, kept in self._kept.items() if kept.status.is_final and kept.updated_at < older_than]
        for id in old:
            del self._kept[id]
        return len(old)

    async def erase(self, ids: Sequence[str]) -> bool:
        self._reach()
        for id in ids:
            is_running = id in self._tasks and not self._tasks[id].done()
            if id in self._kept and self._kept[id].status.is_final and not is_running:
                del self._kept[id]
        return not any(id in self._kept for id in ids)

    async def wait_for_event(self, topic: str, seconds: float) -> bool:
        is_signalled = await self._signals.wait(topic, seconds)
        if self._is_leaving:
            raise asyncio.CancelledError
        return is_signalled

    def signal(self, topic: str) -> None:
        self._signals.send(topic)

    def problem(self) -> str | None:
        return None if self.reachable else "The store of the flows cannot be reached."

    def _reach(self) -> None:
        if not self.reachable:
            raise FlowsUnavailable("Flows cannot be started or read now, and nothing was started: retry later.")

    def is_alive(self, life: object) -> bool:
        return self._life is life

    def _run(self, id: str) -> None:
        if self._life is not None:
            self._tasks[id] = asyncio.ensure_future(self._live(id, self._life))

    async def _live(self, id: str, life: object) -> None:
        """Until the flow has ended; once more where it was resumed before its cancelled body had stopped."""
        while self._life is life and not self._is_leaving and self._kept[id].status is Status.RUNNING:
            await self._once_through(id, life)
        if self._life is life:
            del self._tasks[id]

    async def _once_through(self, id: str, life: object) -> None:
        kept = self._kept[id]
        running = WorkflowRun(id, _Journal(self, kept, id, life), self._attempts, self._clock)
        try:
            output = await self._bodies[kept.name](running, json.loads(kept.input))
        except WorkflowInterrupted:
            return
        except Exception as error:
            fault = fault_of(error, self._hook)
            self._end(id, life, Status.FAILED, fault=fault, failed_group=running.group_of(fault))
        else:
            self._end(id, life, Status.DONE, output=json.loads(json.dumps(output)))

    def _end(self, id: str, life: object, status: Status, **outcome: Any) -> None:
        kept = self._kept[id]
        if self._life is life and kept.status is Status.RUNNING:
            for name, value in outcome.items():
                setattr(kept, name, value)
            self._set(id, status)

    def _set(self, id: str, status: Status) -> None:
        self._kept[id].status = status
        self.touch(id)

    def touch(self, id: str) -> None:
        self._kept[id].updated_at = self._clock.now()
        self._changes.changed(id)

    def check(self, id: str, life: object) -> None:
        """Raises Stopped."""
        if self._is_leaving or self._life is not life or self._kept[id].status is not Status.RUNNING:
            raise WorkflowInterrupted

    async def rest(self, id: str, life: object, until: float) -> None:
        while (left := until - self._clock.now()) > 0:
            self.check(id, life)
            await self._changes.wait(self._changes.mark(id), left)
        self.check(id, life)

    def _record(self, id: str) -> Record:
        kept = self._kept[id]
        return Record(
            id=id,
            name=kept.name,
            status=kept.status,
            input=json.loads(kept.input),
            output=kept.output,
            fault=kept.fault,
            steps=tuple(record for _, (_, record) in sorted(kept.steps.items())),
            notes={key: json.loads(value) for key, value in kept.notes.items()},
            created_at=kept.created_at,
            updated_at=kept.updated_at,
        )


def _rewind(kept: Kept) -> None:
    for number in steps_to_rerun(kept.steps, kept.failed_group, max(kept.results, default=0)):
        kept.results.pop(number, None)
        kept.steps.pop(number, None)
    kept.fault = kept.failed_group = None


class _Journal:
    def __init__(self, engine: VolatileDurable, kept: Kept, id: str, life: object) -> None:
        self._engine = engine
        self._kept = kept
        self._id = id
        self._life = life
        self._places = 0

    def check(self) -> None:
        self._engine.check(self._id, self._life)

    def check_lease(self) -> None:
        if not self._engine.is_alive(self._life):
            raise WorkflowInterrupted

    def reserve(self) -> _Place:
        self._places += 1
        return _Place(self._places, self)

    async def rest(self, until: float) -> None:
        await self._engine.rest(self._id, self._life, until)

    async def once(self, number: int, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        self.check()
        if number not in self._kept.results:
            value = json.dumps(await act())
            if not self._engine.is_alive(self._life):
                raise WorkflowInterrupted
            self._kept.results[number] = name, value
        recorded, value = self._kept.results[number]
        if recorded != name:
            raise AssertionError(f"the body is not deterministic: at {number} it did {recorded}, and now wants {name}")
        return json.loads(value)

    def begun(self, number: int) -> StepRecord | None:
        _, record = self._kept.steps.get(number, (0, None))
        return record if record and record.state is StepState.RUNNING else None

    def step(self, group: int, number: int, record: StepRecord) -> None:
        if self._engine.is_alive(self._life) and self._kept.steps.get(number) != (group, record):
            self._kept.steps[number] = group, record
            self._engine.touch(self._id)

    async def written(self) -> None:
        """Nothing is told that is not on record."""

    def note(self, key: str, value: Json) -> None:
        written = json.dumps(value)
        if self._engine.is_alive(self._life) and self._kept.notes.get(key) != written:
            self._kept.notes[key] = written
            self._engine.touch(self._id)


@dataclass(frozen=True)
class _Place:
    number: int
    journal: _Journal

    async def once(self, name: str, act: Callable[[], Awaitable[Json]]) -> Json:
        return await self.journal.once(self.number, name, act)

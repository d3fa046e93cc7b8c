"""The spans of a flow's steps belong to the request that began it, also those that run after a crash."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Json, Record, Run, Status, Step, StepRecord, StepState
from gateway.durable.retries import Outcome
from gateway.durable.step_spans import StepSpans
from gateway.errors import MediumRefused
from gateway.events import ignore
from gateway.publishing.recorded import Notes, from_json
from gateway.spans import LiveSpan, Scope, within
from gateway.tracing.export import SpanExport
from tests.tracing.recorder import SpanRecorder, attributes, error, links_of, parent_of, trace_of

LOOP = asyncio.new_event_loop
FLOW = "web-1"
WEEK = 7 * 86_400.0
Act = Callable[[], Awaitable[Json]]


@pytest.fixture
def recorder() -> SpanRecorder:
    return SpanRecorder()


@asynccontextmanager
async def engine(folder: Path, export: SpanExport | None, **acts: Act) -> AsyncIterator[DbosDurable]:
    """One process with flows called `publish`, which have these steps; it is interrupted in the end."""
    durable = DbosDurable(
        f"sqlite:///{folder / 'flows.sqlite3'}",
        folder,
        clock=SystemClock(),
        hook=ignore,
        dice=random.Random(1),
        retention=WEEK,
        tracer=None if export is None else export.tracer,
    )

    async def publish(run: Run, input: Json) -> Json:
        for number, (name, act) in enumerate(acts.items()):
            await run.step(Step(name, act, medium=number or None))

    durable.define("publish", publish)
    await durable.launch()
    try:
        yield durable
    finally:
        await durable.aclose()


async def ended(durable: DbosDurable) -> Status:
    record = await durable.wait(FLOW, 20.0)
    assert record is not None
    return record.status


def begun_by(export: SpanExport) -> LiveSpan:
    return export.tracer.start("mutation")


async def nothing() -> Json:
    return None


async def test_each_step_belongs_to_the_request_that_began_the_flow(tmp_path: Path, recorder: SpanRecorder) -> None:
    async def refuse() -> Json:
        raise MediumRefused("It is too large.")

    export = recorder.export(SystemClock())
    request = begun_by(export)
    async with export.running(), engine(tmp_path, export, upload=nothing, process=refuse) as durable:
        with within(Scope(request)):
            await durable.start("publish", FLOW, {})
        assert await ended(durable) is Status.FAILED
    upload, process = recorder.spans
    for step in (upload, process):
        assert trace_of(step) == request.trace_id
        assert links_of(step) == [parent_of(step)]
    assert f"{parent_of(upload):016x}" in request.headers["traceparent"]
    flow = {"flow.id": FLOW, "flow.name": "publish", "step.attempts": 1}
    assert attributes(upload) == flow | {"step.name": "upload"}
    assert attributes(process) == flow | {"step.name": "process", "step.medium": 1, "error.type": "MEDIUM_REFUSED"}
    assert (error(upload), error(process)) == (None, "MEDIUM_REFUSED")


async def test_steps_that_another_process_runs_belong_to_that_request(tmp_path: Path, recorder: SpanRecorder) -> None:
    reached = asyncio.Event()

    async def hang() -> Json:
        reached.set()
        await asyncio.Event().wait()

    export = recorder.export(SystemClock())
    request = begun_by(export)
    async with export.running():
        async with engine(tmp_path, export, upload=nothing, process=hang) as durable:
            with within(Scope(request)):
                await durable.start("publish", FLOW, {})
            await reached.wait()
        first = recorder.taken()
        async with engine(tmp_path, export, upload=nothing, process=nothing, publish=nothing) as durable:
            assert await ended(durable) is Status.DONE
    assert [(span.name, error(span)) for span in first] == [("step upload", None), ("step process", "INTERRUPTED")]
    assert [(span.name, error(span)) for span in recorder.spans] == [("step process", None), ("step publish", None)]
    assert {trace_of(span) for span in (*first, *recorder.spans)} == {request.trace_id}
    origin = parent_of(first[0])
    assert f"{origin:016x}" in request.headers["traceparent"]
    assert [links_of(span) for span in (*first, *recorder.spans)] == [[origin]] * 4


async def test_a_flow_that_was_begun_without_traces_is_traced_alone(tmp_path: Path, recorder: SpanRecorder) -> None:
    """As one of an earlier version."""
    hang = asyncio.Event().wait
    export = recorder.export(SystemClock())
    async with engine(tmp_path, None, upload=hang) as durable:
        await durable.start("publish", FLOW, {})
    async with export.running(), engine(tmp_path, export, upload=nothing) as durable:
        assert await ended(durable) is Status.DONE
    step = recorder.one("step upload")
    assert (parent_of(step), links_of(step)) == (None, [])


async def test_a_flow_that_was_begun_with_traces_runs_on_without_them(tmp_path: Path, recorder: SpanRecorder) -> None:
    export = recorder.export(SystemClock())
    async with engine(tmp_path, export, upload=asyncio.Event().wait) as durable:
        with within(Scope(begun_by(export))):
            record = await durable.start("publish", FLOW, {})
    assert set(record.notes) == {"trace"}
    async with engine(tmp_path, None, upload=nothing) as durable:
        assert await ended(durable) is Status.DONE


async def test_the_same_request_again_leaves_the_flow_to_the_first(tmp_path: Path, recorder: SpanRecorder) -> None:
    export = recorder.export(SystemClock())
    first, second = begun_by(export), begun_by(export)
    async with export.running(), engine(tmp_path, export, upload=nothing) as durable:
        for request in (first, second):
            with within(Scope(request)):
                record = await durable.start("publish", FLOW, {})
        assert await ended(durable) is Status.DONE
    assert record.notes == {"trace": dict(first.headers)}
    assert trace_of(recorder.one("step upload")) == first.trace_id


def test_notes_of_progress_are_read_beside_the_trace() -> None:
    """Also by versions that know nothing of it."""
    assert from_json({"trace": {"traceparent": "00"}, "highlight": "17"}, Notes) == Notes(entity_id="17")


@pytest.mark.parametrize("note", [None, [], "x", {}, {"traceparent": 1}, {"traceparent": "\ud800"}, {"\xe4": "x"}])
async def test_a_note_that_is_no_trace_context_is_ignored(note: Json, recorder: SpanRecorder) -> None:
    """It is read from a database."""
    export = recorder.export(SystemClock())
    record = Record(FLOW, "publish", Status.RUNNING, {}, None, None, (), {"trace": note}, 0.0, 0.0)
    done = StepRecord("upload", None, StepState.DONE, 1, 0.0, 0.0, None)

    async def make() -> Outcome:
        return Outcome(done)

    async with export.running():
        await StepSpans(export.tracer, record).step(Step("upload", nothing), make)
    assert recorder.one("step upload").parent is None

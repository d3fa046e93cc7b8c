"""The port of spans over OpenTelemetry: what it takes of a client's headers, and what it ignores."""

from __future__ import annotations

import asyncio
import logging
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.events import Event, TraceExportChanged
from gateway.spans import Attribute, Headers, Scope, current_trace_id, within
from gateway.tracing.export import SpanExport, WatchedExporter
from tests.fakes.clock import ManualClock
from tests.tracing.recorder import SpanRecorder, attributes, links_of, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"  # pragma: allowlist secret
PARENT = f"00-{TRACE}-{SPAN}-01"
VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
TRACER = SpanRecorder().export(ManualClock()).tracer


def headers(**given: str) -> Headers:
    return [(name.encode(), value.encode("latin-1")) for name, value in given.items()]


@pytest.mark.parametrize("state", [None, "vendor=value", "a=1,b=2", "tenant@vendor=x"])
def test_a_trace_context_comes_back_as_it_came(state: str | None) -> None:
    given = {"traceparent": PARENT} | ({} if state is None else {"tracestate": state})
    context = TRACER.context_in(headers(**given))
    assert context is not None
    assert context.trace_id == TRACE
    assert context.headers == given


@pytest.mark.parametrize(
    "parent",
    [
        *(
            "",
            "00",
            TRACE,
            PARENT.upper(),
            f"ff{PARENT[2:]}",
            f"{PARENT}-",
            f"{PARENT}-more",
            f"{PARENT}\n",
            PARENT[:-1],
        ),
        *(PARENT.replace(TRACE, "0" * 32), PARENT.replace(SPAN, "0" * 16), PARENT.replace("-", "_"), f"x{PARENT}"),
        *("01" + PARENT[2:] + "-" + "a" * 600, "\xe4" * 55, PARENT.replace("4bf9", "4bg9")),
    ],
)
def test_an_invalid_parent_is_ignored(parent: str) -> None:
    assert TRACER.context_in(headers(traceparent=parent)) is None


def test_two_parents_are_none() -> None:
    """W3C: a vendor must not choose between them."""
    assert TRACER.context_in([*headers(traceparent=PARENT), *headers(traceparent=PARENT)]) is None


@pytest.mark.parametrize(
    "state", ["", "=", "no equals", "A=upper", "a=" + "x" * 300, "a=1," * 40 + "a=1", "\xe4=1", "b=\t"]
)
def test_an_invalid_state_is_left_out_and_quoted_in_no_log(state: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        context = TRACER.context_in(headers(traceparent=PARENT, tracestate=state))
    assert context is not None
    assert context.headers.get("tracestate", "a=1") == "a=1"
    assert caplog.text == ""


@given(
    st.lists(st.tuples(st.sampled_from([b"traceparent", b"tracestate", b"host"]), st.binary(max_size=80)), max_size=4)
)
def test_whatever_a_stranger_sends_is_a_valid_context_or_none(given: list[tuple[bytes, bytes]]) -> None:
    context = TRACER.context_in(given)
    if context is not None:
        assert VALID.fullmatch(context.headers["traceparent"])
        assert len(context.headers.get("tracestate", "")) <= 512


def test_nothing_is_traced_outside_of_a_scope() -> None:
    assert current_trace_id() is None
    span = TRACER.start("work")
    with within(Scope(span)):
        assert current_trace_id() == span.trace_id
    assert current_trace_id() is None


async def test_spans_are_exported_while_the_process_runs() -> None:
    clock, recorder = ManualClock(), SpanRecorder()
    export = recorder.export(clock)
    async with export.running():
        other = export.tracer.start("other")
        span = export.tracer.start("call tray", links=[other], attributes={Attribute.PRICE: 2})
        clock.advance(1.5)
        span.end()
        other.end()
        span.set({Attribute.PRICE: 3})
        span.fail("LATE")
        span.end()
    work = recorder.one("call tray")
    assert (work.start_time, work.end_time) == (1_773_304_526 * 10**9, 1_773_304_527_500_000_000)
    assert attributes(work) == {"price": 2}
    assert trace_of(work) == span.trace_id
    assert links_of(work) == [int(other.headers["traceparent"][36:52], 16)]


async def test_a_collector_that_fails_is_reported_once_until_it_recovers() -> None:
    """And not by the library, which logs each attempt with its address."""
    events: list[Event] = []
    results = [SUCCESS, FAILURE, FAILURE, SUCCESS, SUCCESS, FAILURE]
    inner = SpanExporter()
    inner.export = lambda spans: results.pop(0)  # type: ignore[method-assign]
    exporter = WatchedExporter(inner, events.append)
    for _ in range(6):
        await asyncio.to_thread(exporter.export, [])
    await asyncio.sleep(0)
    assert events == [TraceExportChanged(False), TraceExportChanged(True), TraceExportChanged(False)]


async def test_a_collector_that_does_not_answer_does_not_hold_the_end_of_the_process() -> None:
    """Its last spans are lost then."""
    answered = threading.Event()
    processor = SpanProcessor()
    processor.shutdown = answered.wait  # type: ignore[method-assign, assignment]
    async with SpanExport(ManualClock(), [lambda: processor]).running():
        pass
    answered.set()

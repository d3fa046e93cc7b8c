"""docs/operations/tracing.md lists all spans and attributes, and no others."""

from __future__ import annotations

from gateway.operations.operation_spans import UNTYPED, OperationPhase
from gateway.spans import Attribute
from tests.fakes.clock import ManualClock
from tests.tracing.recorder import SpanRecorder, documented, listed, rows, undocumented


def test_every_attribute_is_documented_and_every_documented_one_exists() -> None:
    names = [name for names, _, _ in rows("Attributes") for name in listed(names)]
    assert set(names) == {value for name, value in vars(Attribute).items() if name.isupper()}
    assert documented().keys() == {"operation", "request", "call", "HTTP request", "step"}


def test_every_span_is_documented_and_every_documented_one_exists() -> None:
    names = [name for names, *_ in rows("Spans") for name in listed(names)]
    assert [name for name in names if name.startswith("graphql.")] == [phase.value for phase in OperationPhase]
    assert names[:4] == ["query", "mutation", "subscription", UNTYPED]
    assert {"call ENDPOINT", "step STEP", "GET", "POST"} <= set(names)


async def test_an_attribute_of_another_span_is_found() -> None:
    export = SpanRecorder().export(ManualClock())
    async with export.running():
        export.tracer.start("call tray", attributes={Attribute.PRICE: 2, Attribute.STEP_NAME: "upload"}).end()
    assert undocumented == ["call tray: highlights_gateway.step.name"]
    undocumented.clear()

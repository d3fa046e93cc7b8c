"""A subscription is one span however long it lasts, on each transport; what it tells are events of the span."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.faults import Processing, Script
from tests.fakes.gateway import FlowingClock, RunningGateway, running_gateway
from tests.fakes.websocket import Socket
from tests.tracing.recorder import SpanRecorder, attributes, error, tree

LOOP = asyncio.new_event_loop
WRITE = """mutation {
  createHighlight(input: {
    account: "787132", title: "Reef", media: [{ url: "https://images.example.com/1.jpg" }]
    idempotencyKey: "reef", waitSeconds: 0
  }) { flow { id } userErrors { message } }
}"""
WATCH = "subscription Watch($id: ID!) { flow(id: $id) { state progress } }"
PHASES = [f"  graphql.{name}" for name in ("parse", "validate", "purchase", "execute")]


@pytest.fixture
async def begun(tmp_path: Path) -> AsyncIterator[tuple[RunningGateway, SpanRecorder, str]]:
    """A gateway with a flow that runs, and its id."""
    clock, recorder = FlowingClock(), SpanRecorder()
    async with running_gateway(tmp_path, clock=clock, traces=recorder.export(clock)) as gateway:
        gateway.sandbox.faults.play(Script([Processing(seconds=0.2)]))
        await gateway.knows_its_accounts()
        made = (await gateway.query(WRITE)).data["createHighlight"]
        recorder.taken()
        yield gateway, recorder, made["flow"]["id"]


async def test_a_subscription_over_events_has_one_span(begun: tuple[RunningGateway, SpanRecorder, str]) -> None:
    gateway, recorder, flow = begun
    body = {"query": WATCH, "variables": {"id": flow}}
    answer = await gateway.client.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    told = answer.text.count("event: next")
    assert told > 2
    check(recorder, told, transport="sse", phases=["  graphql.read", *PHASES])


async def test_a_subscription_over_a_websocket_has_one_span(begun: tuple[RunningGateway, SpanRecorder, str]) -> None:
    gateway, recorder, flow = begun
    async with Socket(gateway.app) as socket:
        await socket.init()
        await socket.subscribe("1", WATCH, variables={"id": flow})
        told = [await socket.read()]
        while told[-1]["type"] == "next":
            told.append(await socket.read())
        await asyncio.sleep(0.01)
    check(recorder, len(told) - 1, transport="websocket", phases=PHASES)


def check(recorder: SpanRecorder, told: int, *, transport: str, phases: list[str]) -> None:
    span = recorder.one("subscription")
    assert [line for line in tree(recorder.spans) if "graphql" in line or line == "subscription"] == [
        "subscription",
        *phases,
    ]
    assert error(span) is None
    assert [event.name for event in span.events] == ["payload"] * told
    wanted: dict[str, Any] = {"graphql.operation.name": "Watch", "payloads": told, "transport": transport}
    assert {name: attributes(span)[name] for name in wanted} == wanted


async def test_of_very_many_payloads_a_span_keeps_the_last(tmp_path: Path) -> None:
    """And says how many there were."""
    from gateway.operations.operation_spans import OperationScope

    recorder = SpanRecorder()
    export = recorder.export(FlowingClock())
    async with export.running():
        scope = OperationScope(export.tracer, export.tracer.start("subscription"), alone=False)
        for _ in range(1_000):
            scope.stream()
        scope.end()
    span = recorder.one("subscription")
    assert (len(span.events), span.dropped_events) == (128, 872)

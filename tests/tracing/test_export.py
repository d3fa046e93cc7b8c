"""A gateway as a process exports its traces to a collector, and those of a flow across a crash."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from gateway.version import version
from tests.commands.process import LIMIT
from tests.robustness.processes import Server, gateway, lay_faults, sandbox
from tests.tracing.collector import Collector, collecting, values

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE, CALLER = bytes.fromhex(PARENT[3:35]), bytes.fromhex(PARENT[36:52])
READ = '{ user(by: { username: "natgeo" }) { biography } }'
WRITE = """mutation($input: CreateHighlightInput!) {
  createHighlight(input: $input) { flow { id state } userErrors { field } }
}"""
INPUT = {
    "account": "787132",
    "title": "Reef",
    "media": [{"url": "https://images.example.com/reef-1.jpg"}],
    "idempotencyKey": "reef",
}


def ask(server: Server, query: str, **given: object) -> httpx.Response:
    body = {"query": query, "variables": {"input": {**INPUT, **given}} if "$input" in query else {}}
    return httpx.post(f"{server.url}/graphql", json=body, headers={"traceparent": PARENT}, timeout=LIMIT)


def traced(upstream: Server, data: Path, collector: Collector, *, milliseconds: int) -> AbstractContextManager[Server]:
    """A gateway that exports its spans so many milliseconds after their ends."""
    return gateway(
        upstream,
        data,
        GATEWAY_PLATFORM_URL=f"{upstream.url}/platform",
        GATEWAY_PLATFORM_TOKEN="sandbox",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        OTEL_BSP_SCHEDULE_DELAY=str(milliseconds),
    )


def test_traces_reach_a_collector_and_survive_a_crash(tmp_path: Path) -> None:
    with collecting() as collector, sandbox() as upstream:
        lay_faults(upstream, {"kind": "processing", "seconds": 3.0})
        with traced(upstream, tmp_path, collector, milliseconds=20) as server:
            assert "errors" not in ask(server, READ).json()
            collector.wait_for(lambda: collector.named("query"), LIMIT)
            check_the_operation(collector)
            while not ask(server, "{ accounts { id } }").json()["data"]["accounts"]:
                pass
            assert ask(server, WRITE, waitSeconds=0).json()["data"]["createHighlight"]["userErrors"] == []
            collector.wait_for(lambda: collector.named("step upload"), LIMIT)
            server.process.kill()
            server.process.wait()
        before = len(collector.spans)
        with traced(upstream, tmp_path, collector, milliseconds=600_000) as server:
            answer = ask(server, WRITE, waitSeconds=60).json()
            assert answer["data"]["createHighlight"]["flow"]["state"] == "DONE"
            code, log = server.end(signal.SIGTERM)
            assert (code, "Traceback" in log) == (0, False), log
        check_the_steps(collector, before)


def check_the_operation(collector: Collector) -> None:
    (operation,) = collector.named("query")
    assert (operation.trace_id, operation.parent_span_id) == (TRACE, CALLER)
    (call,) = collector.named("call profile_by_username")
    assert call.trace_id == TRACE
    assert values(call.attributes)["highlights_gateway.charged"] == 1
    resource = collector.resources[0]
    assert resource["service.name"] == "highlights-gateway"
    assert resource["service.version"] == version()
    assert resource["deployment.environment.name"] == "test"


def check_the_steps(collector: Collector, before: int) -> None:
    """Those before the crash and those after it belong to the mutation that began the flow."""
    (upload,) = collector.named("step upload")
    after = [span for span in collector.spans[before:] if span.name.startswith("step ")]
    assert {"step process", "step publish", "step create"} <= {span.name for span in after}
    origin = upload.links[0].span_id
    for span in (upload, *after):
        assert (span.trace_id, span.parent_span_id) == (TRACE, origin)
        assert [link.span_id for link in span.links] == [origin]
    assert origin in {span.span_id for span in collector.named("mutation")}

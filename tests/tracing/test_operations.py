"""The spans of operations: one each, with its phases below, on every transport and however it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Latency
from gateway.settings import Settings
from gateway.spans import current_trace_id
from tests.fakes.gateway import Terms
from tests.fakes.websocket import Socket
from tests.tracing.recorder import attributes, error, id_of, links_of, parent_of, trace_of, tree
from tests.tracing.stage import Traced, traced

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", 0x00F067AA0BA902B7  # pragma: allowlist secret
PARENT = f"00-{TRACE}-{CALLER:016x}-01"
OTHER = f"00-{'a' * 32}-{'b' * 16}-01"
BY = f'by: {{ id: "{fixture_users.THIRTY.pk}" }}'
TRAY = f"query Tray {{ user({BY}) {{ highlights {{ totalCount }} }} }}"
HASH = hashlib.sha256(TRAY.encode()).hexdigest()[:16]
PHASES = [f"  graphql.{name}" for name in ("read", "parse", "validate", "purchase", "execute", "encode")]
WITH_CALL = [*PHASES[:4], "    call tray", "      GET", *PHASES[4:]]
EXECUTED = {
    "http.request.method": "POST",
    "http.route": "/graphql",
    "http.response.status_code": 200,
    "graphql.operation.name": "Tray",
    "graphql.operation.type": "query",
    "document.hash": HASH,
    "client": "local",
    "transport": "http",
    "source": "executed",
    "calls": 1,
    "charged": 2,
    "saved_by_cache": 0,
    "saved_by_sharing": 0,
}


async def test_answers_and_errors_name_the_trace(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        for _ in range(4):  # executed, from the cache of responses, and twice replayed
            gateway.recorder.taken()
            answer = await gateway.query(TRAY, headers={"traceparent": PARENT})
            span = gateway.recorder.one("query")
            assert answer.headers["traceparent"] == f"00-{TRACE}-{id_of(span):016x}-01"
        failed = await gateway.query("{", headers={"traceparent": PARENT})
        assert failed.json()["errors"][0]["extensions"]["traceId"] == TRACE
        begun = await gateway.query("{")
        assert begun.json()["errors"][0]["extensions"]["traceId"] == begun.headers["traceparent"].split("-")[1] != TRACE


async def test_a_cold_operation_is_a_tree_of_phases_calls_and_requests(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY)
        assert tree(gateway.recorder.spans) == ["query", *WITH_CALL]
        operation = gateway.recorder.one("query")
        assert (attributes(operation), error(operation)) == (EXECUTED, None)
        assert operation.kind.name == "SERVER"
        assert len({trace_of(span) for span in gateway.recorder.spans}) == 1


async def test_cached_answers_have_one_span_with_their_source(tmp_path: Path) -> None:
    """The first repetition executes what is known, the second finds the response, the third equals it in each byte."""
    saved = {"calls": 0, "charged": 0, "saved_by_cache": 2}
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY)
        for source in ("response_cache", "exact_match", "exact_match"):
            gateway.recorder.taken()
            answer = await gateway.query(TRAY)
            assert answer.json()["data"]["user"]["highlights"]["totalCount"] == 30
            assert tree(gateway.recorder.spans) == ["query"]
            assert attributes(gateway.recorder.spans[0]) == EXECUTED | saved | {"source": source}


async def test_a_warm_operation_has_all_phases_and_no_call(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY)
        gateway.recorder.taken()
        await gateway.query(TRAY.replace("Tray", "Again"))
        assert tree(gateway.recorder.spans) == ["query", *PHASES]


@pytest.mark.parametrize(
    ("document", "code", "name", "phases"),
    [
        ("{ user", "GRAPHQL_PARSE_FAILED", "GraphQL Operation", [*PHASES[:3], PHASES[5]]),
        ("query Q { nothing }", "GRAPHQL_VALIDATION_FAILED", "query", [*PHASES[:3], PHASES[5]]),
        (TRAY, "BUDGET_EXCEEDED", "query", PHASES),
        ('subscription { flow(id: "1") { id } }', "NOT_ACCEPTABLE", "GraphQL Operation", []),
    ],
)
async def test_an_operation_with_errors_has_the_code_of_the_first(
    document: str, code: str, name: str, phases: list[str], tmp_path: Path
) -> None:
    async with traced(tmp_path, clients={"web": Terms(ceiling=0)}) as gateway:
        await gateway.query(document, client="web")
        assert tree(gateway.recorder.spans) == [name, *phases]
        operation = gateway.recorder.one(name)
        assert error(operation) == code
        assert attributes(operation)["client"] == "web"
        assert attributes(operation)["charged"] == 0


async def test_a_request_that_is_refused_at_once_has_a_span(tmp_path: Path) -> None:
    async with traced(
        tmp_path, clients={"web": Terms()}, settings=Settings(allowed_hosts=frozenset({"a.test"}))
    ) as gateway:
        await gateway.query(TRAY)
        await gateway.query(TRAY, headers={"host": "b.test"})
        codes = [
            (span.name, error(span), attributes(span)["http.response.status_code"]) for span in gateway.recorder.spans
        ]
        assert codes == [
            ("GraphQL Operation", "UNAUTHENTICATED", 401),
            ("GraphQL Operation", "MISDIRECTED_REQUEST", 421),
        ]


async def test_other_requests_have_no_operation(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        for path, accept in (("/graphql", "text/html"), ("/healthz", "*/*"), ("/", "text/html")):
            await gateway.client.get(path, headers={"accept": accept})
        await gateway.client.options("/graphql")
        assert tree(gateway.recorder.spans) == ["GET /graphql"]


async def test_an_operation_belongs_to_its_caller_and_passes_the_trace_on(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY, headers={"traceparent": PARENT, "tracestate": "vendor=7"})
        operation, request = gateway.recorder.one("query"), gateway.recorder.one("GET")
        assert (trace_of(operation), parent_of(operation)) == (TRACE, CALLER)
        (received,) = gateway.upstream.received
        assert received["traceparent"] == f"00-{TRACE}-{id_of(request):016x}-01"
        assert received["tracestate"] == "vendor=7"


async def test_a_caller_that_does_not_sample_decides_for_all_that_follows(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY, headers={"traceparent": PARENT[:-1] + "0"})
        assert gateway.recorder.spans == ()
        assert gateway.upstream.received[0]["traceparent"].endswith("-00")


async def test_each_operation_of_a_batch_has_a_span_below_that_of_the_request(tmp_path: Path) -> None:
    async with traced(tmp_path, settings=Settings(batch_limit=5)) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=1))
        members = [{"query": TRAY}, {"query": TRAY.replace("Tray", "Other")}, {"query": "{"}]
        await gateway.client.post("/graphql", json=members, headers={"traceparent": PARENT})
        request = gateway.recorder.one("POST /graphql")
        assert parent_of(request) == CALLER
        assert attributes(request) == {key: EXECUTED[key] for key in EXECUTED if key.startswith("http.")}
        first, second = gateway.recorder.named("query")
        assert [parent_of(span) for span in (first, second)] == [id_of(request)] * 2
        assert attributes(first)["transport"] == "batch"
        assert sorted(attributes(span)["charged"] for span in (first, second)) == [0, 2]
        assert error(gateway.recorder.one("GraphQL Operation")) == "GRAPHQL_PARSE_FAILED"
        (shared,) = (span for span in gateway.recorder.named("call tray") if attributes(span)["source"] == "shared")
        assert ancestors(gateway, shared) == ["graphql.purchase", "query", "POST /graphql"]
        assert "graphql.read" not in " ".join(tree(gateway.recorder.spans))


def ancestors(gateway: Traced, span: ReadableSpan) -> list[str]:
    """The names of the spans above it, from the nearest."""
    known = {id_of(one): one for one in gateway.recorder.spans}
    names = []
    while (parent := known.get(parent_of(span) or 0)) is not None:
        names.append(parent.name)
        span = parent
    return names


async def test_each_operation_of_a_websocket_has_a_trace_of_its_own(tmp_path: Path) -> None:
    """It links to the connection's, which would be endless; or belongs to the one that its extensions name."""
    async with traced(tmp_path) as gateway:
        async with Socket(gateway.app, headers={"traceparent": OTHER}) as socket:
            await socket.init()
            await answered(socket, TRAY)
        async with Socket(gateway.app, headers={"traceparent": OTHER}) as socket:
            await socket.init(traceparent=PARENT)
            await answered(socket, TRAY)
            await answered(socket, TRAY, extensions={"traceparent": OTHER})
            await answered(socket, TRAY, extensions={"headers": {"TraceParent": OTHER}})
            await answered(socket, TRAY, extensions={"traceparent": 7, "headers": {"traceparent": "\xe4"}})
            await asyncio.sleep(1)
        plain, of_init, of_extensions, nested, invalid = gateway.recorder.named("query")
        assert [links_of(span) for span in (plain, of_init, invalid)] == [[0xBBBBBBBBBBBBBBBB], [CALLER], [CALLER]]
        assert len({trace_of(span) for span in (plain, of_init, invalid)} - {TRACE, "a" * 32}) == 3
        for span in (of_extensions, nested):
            assert (trace_of(span), parent_of(span), links_of(span)) == ("a" * 32, 0xBBBBBBBBBBBBBBBB, [])
        assert attributes(plain)["transport"] == "websocket"
        assert [event.name for event in plain.events] == ["payload"]
        assert attributes(plain)["payloads"] == 1
        assert [ancestors(gateway, call) for call in gateway.recorder.named("call tray")] == [
            ["graphql.purchase", "query"]
        ]


async def answered(socket: Socket, document: str, **members: Any) -> None:
    await socket.subscribe("1", document, **members)
    assert [(await socket.read())["type"] for _ in range(2)] == ["next", "complete"]


async def test_an_operation_that_a_connection_refuses_has_a_span(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway, Socket(gateway.app) as socket:
        await socket.init()
        await socket.send(
            type="subscribe", id="1", payload={"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
        )
        assert (await socket.read())["type"] == "error"
        await asyncio.sleep(1)
        assert error(gateway.recorder.one("GraphQL Operation")) == "PERSISTED_QUERY_NOT_FOUND"


async def test_an_incremental_answer_has_one_span_with_an_event_for_each_part(tmp_path: Path) -> None:
    document = f"{{ user({BY}) {{ id ... @defer {{ biography }} }} }}"
    async with traced(tmp_path) as gateway:
        await gateway.query(document, headers={"accept": "multipart/mixed"})
        operation = gateway.recorder.one("query")
        assert [event.name for event in operation.events] == ["payload"] * 2
        assert (attributes(operation)["payloads"], attributes(operation)["transport"]) == (2, "multipart")
        assert "  graphql.encode" not in tree(gateway.recorder.spans)


async def test_the_span_of_an_operation_whose_client_leaves_says_so(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=5))
        asked = asyncio.ensure_future(gateway.query(TRAY))
        await asyncio.sleep(1)
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        operation = gateway.recorder.one("query")
        assert (error(operation), attributes(operation)["source"]) == ("CANCELLED", "executed")


async def test_log_lines_of_an_operation_find_its_trace(tmp_path: Path) -> None:
    """And exemplars of metrics."""
    seen: list[str | None] = []
    async with traced(tmp_path) as gateway:
        gateway.upstream.on_request = lambda: seen.append(current_trace_id())
        await gateway.query(TRAY, headers={"traceparent": PARENT})
        assert seen == [TRACE]
    assert current_trace_id() is None

"""One event for each operation, however it came and ended."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.events import Event
from gateway.operation_events import AnswerSource, OperationCompleted, OperationOutcome, Transport
from gateway.sandbox.faults import Latency
from tests.fakes.gateway import Terms, key_of, sandbox_in
from tests.fakes.stream import Reading
from tests.fakes.websocket import Socket
from tests.http.transports.conftest import Serve, Served

CLIENTS = {"web": Terms(id="web"), "poor": Terms(id="poor", ceiling=0), "writer": Terms(id="writer", rights=("write",))}
KEY = {"x-api-key": key_of("web")}
NAMED = {"x-api-key": key_of("web"), "x-request-id": "mine"}
TRAY = 'query Tray { user(by: { username: "natgeo" }) { highlights { nodes { title } } } }'
NOBODY = 'query Nobody { user(by: { username: "nobody.at.all" }) { id } }'
DEFERRED = "query Parts { user(by: { id: 787132 }) { username ... @defer { biography } } }"
TICKS = "subscription Ticks { ticks(to: 3) }"
SSE = "text/event-stream"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/json'
PARTS = "multipart/mixed;incrementalSpec=v0.2"
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
PARSED = {"client": "web", "operation": "Tray", "type": "query"}
REFUSED = {"source": AnswerSource.REFUSED, "has_data": False, "outcome": OperationOutcome.FAILED, "calls": 0}

Way = Callable[[Served], Awaitable[object]]


def posted(query: str, *, times: int = 1, key: str = "web", **members: Any) -> Way:
    async def send(served: Served) -> None:
        for _ in range(times):
            await served.client.post("/graphql", json={"query": query, **members}, headers={"x-api-key": key_of(key)})

    return send


def raw(body: bytes, method: str = "POST", **headers: str) -> Way:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda served: served.client.request(
        method, "/graphql", content=body, headers={"content-type": JSON, **KEY, **named}
    )


def read(query: str, accept: str) -> Way:
    async def follow(served: Served) -> None:
        async with Reading(served.app, {"query": query}, accept=accept, headers=KEY) as reading:
            await reading.whole()

    return follow


def left(query: str, accept: str) -> Way:
    async def leave(served: Served) -> None:
        async with Reading(served.app, {"query": query}, accept=accept, headers=KEY) as reading:
            await reading.chunk()

    return leave


def on_socket(query: str, last: str | None) -> Way:
    """A WebSocket's operation, until the message `last`; None completes it at its first result."""

    async def subscribe(served: Served) -> None:
        async with Socket(served.app, headers={"x-request-id": "socket"}) as socket:
            await socket.init(**KEY)
            await socket.subscribe("1", query)
            while (message := await socket.read())["type"] != (last or "next"):
                pass
            if last is None:
                await socket.send(type="complete", id=message["id"])
            await asyncio.sleep(0.1)

    return subscribe


async def left_before_the_answer(served: Served) -> None:
    sandbox_in(served.app).faults.lay(Latency(seconds=5.0))
    reading = Reading(served.app, {"query": TRAY}, accept=JSON)
    asking = asyncio.ensure_future(reading.__aenter__())  # waits for an answer that never comes
    await asyncio.sleep(1)
    await reading.__aexit__(None, None, None)
    asking.cancel()


WAYS: dict[str, tuple[Way, dict[str, Any]]] = {
    "executed": (
        posted(TRAY),
        {
            **PARSED,
            "transport": Transport.HTTP,
            "source": AnswerSource.EXECUTED,
            "status": 200,
            "charged": 3,
            "calls": 1,
        },
    ),
    "by GET": (
        lambda served: served.client.get("/graphql", params={"query": TRAY}, headers=KEY),
        {**PARSED, "source": AnswerSource.EXECUTED, "status": 200},
    ),
    "cached": (
        posted(TRAY, times=2),
        {**PARSED, "source": AnswerSource.RESPONSE_CACHE, "status": 200, "charged": 0, "saved_by_cache": 3, "calls": 0},
    ),
    "with an error": (
        posted(NOBODY),
        {"status": 200, "codes": ("NOT_FOUND",), "charged": 1, "operation": "Nobody", "has_data": True},
    ),
    "beyond its budget": (
        posted(TRAY, key="poor"),
        {**PARSED, "client": "poor", **REFUSED, "codes": ("BUDGET_EXCEEDED",), "charged": 0},
    ),
    "without the right": (
        posted(TRAY, key="writer"),
        {**PARSED, "client": "writer", **REFUSED, "status": 403, "codes": ("FORBIDDEN",)},
    ),
    "not parsed": (
        posted("query {"),
        {**REFUSED, "client": "web", "operation": None, "type": None, "codes": ("GRAPHQL_PARSE_FAILED",)},
    ),
    "not valid": (
        posted("query Wrong { nothing }"),
        {**REFUSED, "operation": "Wrong", "type": "query", "codes": ("GRAPHQL_VALIDATION_FAILED",)},
    ),
    "without a key": (
        lambda served: served.client.post("/graphql", json={"query": TRAY}),
        {**REFUSED, "client": "-", "status": 401, "codes": ("UNAUTHENTICATED",), "document": None},
    ),
    "with another key": (posted(TRAY, key="who"), {**REFUSED, "client": "-", "status": 401}),
    "no JSON": (raw(b"{"), {**REFUSED, "client": "web", "status": 400, "codes": ("BAD_REQUEST",)}),
    "another type": (
        raw(b"{}", content_type="text/plain"),
        {**REFUSED, "status": 415, "codes": ("UNSUPPORTED_MEDIA_TYPE",)},
    ),
    "another method": (raw(b"", "DELETE"), {**REFUSED, "status": 405, "codes": ("METHOD_NOT_ALLOWED",)}),
    "an unknown hash": (
        raw(b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + b"0" * 64 + b'"}}}'),
        {**REFUSED, "status": 200, "codes": ("PERSISTED_QUERY_NOT_FOUND",)},
    ),
    "as parts": (
        read(DEFERRED, PARTS),
        {
            "transport": Transport.MULTIPART,
            "operation": "Parts",
            "status": 200,
            "charged": 1,
            "outcome": OperationOutcome.OK,
        },
    ),
    "a single answer to a client of streams": (
        read(TRAY, SSE),
        {**PARSED, "status": 200, "outcome": OperationOutcome.OK},
    ),
    "events": (
        read(TICKS, SSE),
        {
            "transport": Transport.SSE,
            "operation": "Ticks",
            "type": "subscription",
            "outcome": OperationOutcome.OK,
            "seconds": 3.0,
        },
    ),
    "Apollo's parts": (read(TICKS, MULTIPART), {"transport": Transport.MULTIPART, "type": "subscription"}),
    "events that nobody reads on": (
        left(TICKS, SSE),
        {
            "transport": Transport.SSE,
            "status": 200,
            "outcome": OperationOutcome.CANCELLED,
            "has_data": True,
            "seconds": 1.0,
        },
    ),
    "a broken subscription": (
        read("subscription { breaks }", SSE),
        {
            "codes": ("INTERNAL_SERVER_ERROR",),
            "outcome": OperationOutcome.PARTIAL,
            "operation": None,
            "type": "subscription",
        },
    ),
    "on a socket": (
        on_socket(TICKS, "complete"),
        {"transport": Transport.WEBSOCKET, "client": "web", "status": None, "request": "socket.1", "seconds": 3.0},
    ),
    "completed on a socket": (
        on_socket(TICKS, None),
        {"transport": Transport.WEBSOCKET, "outcome": OperationOutcome.CANCELLED, "has_data": True},
    ),
    "refused on a socket": (
        on_socket("query Wrong { nothing }", "error"),
        {**REFUSED, "transport": Transport.WEBSOCKET, "operation": "Wrong", "codes": ("GRAPHQL_VALIDATION_FAILED",)},
    ),
}


async def completed(served: Served, way: Way) -> list[OperationCompleted]:
    heard: list[Event] = []
    served.gateway.operations.running.hook = heard.append
    await way(served)
    await asyncio.sleep(0)
    assert len(served.gateway.operations.running) == 0
    return [event for event in heard if isinstance(event, OperationCompleted)]


def fields(event: OperationCompleted, names: Any) -> dict[str, Any]:
    return {name: round(getattr(event, name)) if name == "seconds" else getattr(event, name) for name in names}


@pytest.mark.parametrize("name", WAYS)
async def test_an_operation_that_ends_is_one_event(serve: Serve, name: str) -> None:
    served = await serve(clients=CLIENTS)
    way, expected = WAYS[name]
    *_, event = events = await completed(served, way)
    assert len(events) == (2 if name == "cached" else 1)
    assert fields(event, expected) == expected


async def test_each_member_of_a_batch_is_one(serve: Serve) -> None:
    served = await serve(clients=CLIENTS, batch_limit=3)
    batch = [{"query": TRAY}, {"query": NOBODY}, {"documentId": "none"}]
    events = await completed(served, lambda served: served.client.post("/graphql", json=batch, headers=NAMED))
    assert sorted((event.operation or "", event.codes, event.charged) for event in events) == [
        ("", ("PERSISTED_QUERY_NOT_FOUND",), 0),
        ("Nobody", ("NOT_FOUND",), 1),
        ("Tray", (), 3),
    ]
    assert {(event.request, event.transport, event.status) for event in events} == {("mine", Transport.BATCH, 200)}


async def test_a_refused_batch_is_one(serve: Serve) -> None:
    served = await serve(clients=CLIENTS, batch_limit=3)
    batch = [{"query": TRAY}] * 4
    (event,) = await completed(served, lambda served: served.client.post("/graphql", json=batch, headers=KEY))
    assert (event.transport, event.status, event.codes) == (Transport.HTTP, 400, ("BAD_REQUEST",))


async def test_a_client_that_left_before_the_answer_is_counted(served: Served) -> None:
    (event,) = await completed(served, left_before_the_answer)
    assert (event.status, event.outcome, event.has_data) == (None, OperationOutcome.CANCELLED, False)
    assert event.source is AnswerSource.EXECUTED


@pytest.mark.parametrize(
    ("method", "headers"), [("OPTIONS", {}), ("GET", {"accept": "text/html"})], ids=["OPTIONS", "the console"]
)
async def test_a_request_without_an_operation_is_none(served: Served, method: str, headers: dict[str, str]) -> None:
    assert await completed(served, lambda served: served.client.request(method, "/graphql", headers=headers)) == []


async def test_a_document_is_named_by_its_hash(served: Served) -> None:
    (event,) = await completed(served, lambda served: served.client.post("/graphql", json={"query": TRAY}))
    assert event.document == hashlib.sha256(TRAY.encode()).hexdigest()[:16]


async def test_another_host_is_refused_as_an_operation(served: Served) -> None:
    headers = {"host": "elsewhere.test", "x-request-id": "mine"}
    (event,) = await completed(
        served, lambda served: served.client.post("/graphql", json={"query": TRAY}, headers=headers)
    )
    assert (event.request, event.status, event.codes) == ("mine", 421, ("MISDIRECTED_REQUEST",))

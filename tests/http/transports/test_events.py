"""Server-sent events and multipart subscriptions."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.http.transports.streaming_response import BEAT, LIFETIME
from gateway.sandbox.faults import Processing, Script
from tests.fakes.gateway import Terms, details, key_of, running_gateway
from tests.fakes.stream import Reading
from tests.http.counted import work_of
from tests.http.transports.conftest import Serve, Served, Ticks

EVENTS = "text/event-stream"
APOLLO = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/json'
# What a client sends that lists all it can read.
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
TICKS = {"query": "subscription { ticks(to: 3) }"}
DEFERRED = {"query": "{ user(by: { id: 787132 }) { username ... @defer { biography } } }"}
PLAIN = {"query": "{ __typename }"}


def events(body: bytes) -> list[tuple[str, Any]]:
    """Name and data of each event, read as the living standard has it."""
    assert b"\r" not in body
    assert body.endswith(b"\n\n")
    found = []
    for block in body.decode().split("\n\n")[:-1]:
        lines = [line.partition(":") for line in block.split("\n") if not line.startswith(":")]
        fields = {name: value.removeprefix(" ") for name, _, value in lines}
        if fields:
            found.append((fields["event"], json.loads(fields["data"] or "null")))
    return found


def parts(body: bytes) -> list[Any]:
    opening, *framed, closing = body.split(b"\r\n--graphql")
    assert (opening, closing) == (b"", b"--\r\n")
    bodies = [piece.split(b"\r\n\r\n", 1) for piece in framed]
    assert all(head == b"\r\ncontent-type: application/json; charset=utf-8" for head, _ in bodies)
    return [json.loads(body) for _, body in bodies]


@pytest.mark.parametrize("accept", [EVENTS, URQL, f"{EVENTS}, multipart/mixed"])
async def test_a_subscription_comes_as_events(served: Served, accept: str) -> None:
    async with Reading(served.app, TICKS, accept=accept) as reading:
        assert reading.status == 200
        assert reading.answered["content-type"] == "text/event-stream; charset=utf-8"
        assert reading.answered["cache-control"] == "no-store"
        *ticks, last = events(await reading.whole())
    assert [(name, data["data"]) for name, data in ticks] == [("next", {"ticks": number}) for number in range(3)]
    assert last == ("complete", None)


async def test_each_event_goes_out_when_it_happens(served: Served) -> None:
    async with Reading(served.app, TICKS, accept=EVENTS) as reading:
        begun = asyncio.get_running_loop().time()
        assert b'{"ticks":0}' in await reading.chunk()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(1)


async def test_silence_is_broken_by_comments(served: Served) -> None:
    body = {"query": f"subscription {{ ticks(to: 1, every: {BEAT * 2.5}) }}"}
    async with Reading(served.app, body, accept=EVENTS) as reading:
        assert [await reading.chunk(), await reading.chunk()] == [b":\n\n", b":\n\n"]
        assert events(await reading.whole())[0][0] == "next"


async def test_a_subscription_comes_as_apollos_parts(served: Served) -> None:
    body = {"query": f"subscription {{ ticks(to: 2, every: {BEAT * 1.5}) }}"}
    async with Reading(served.app, body, accept=APOLLO) as reading:
        content_type = 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"'
        assert reading.answered["content-type"] == content_type
        read = parts(await reading.whole())
    assert [part["payload"]["data"] for part in read if part] == [{"ticks": 0}, {"ticks": 1}]
    assert {} in read


async def test_a_part_is_whole_as_soon_as_it_is_sent(served: Served) -> None:
    """A part ends where the next boundary begins: were that sent with the next part, each would come too late."""
    async with Reading(served.app, TICKS, accept=APOLLO) as reading:
        assert await reading.chunk() == b"\r\n--graphql"
        assert (await reading.chunk()).endswith(b"}\r\n--graphql")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "multipart/mixed, application/json", "text/*"])
async def test_a_subscription_needs_a_client_that_names_a_stream(served: Served, accept: str) -> None:
    response = await served.client.post("/graphql", json=TICKS, headers={"accept": accept})
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert Ticks.running == 0


@pytest.mark.parametrize("body", [PLAIN, {"query": "{ __typename } # subscription"}])
async def test_a_plain_query_is_no_stream_for_who_reads_both(served: Served, body: dict[str, Any]) -> None:
    for accept in (URQL, "application/json, text/event-stream", "text/event-stream, */*;q=1"):
        response = await served.client.post("/graphql", json=body, headers={"accept": accept})
        assert "json" in response.headers["content-type"]


@pytest.mark.parametrize("accept", [EVENTS, "text/event-stream, application/json;q=0.5"])
async def test_a_plain_query_is_an_event_for_who_prefers_events(served: Served, accept: str) -> None:
    response = await served.client.post("/graphql", json=PLAIN, headers={"accept": accept})
    (name, data), last = events(response.content)
    assert (name, data["data"], last) == ("next", {"__typename": "Query"}, ("complete", None))


@pytest.mark.parametrize("query", ["{ nonsense }", "{", "subscription { nonsense }"])
async def test_what_cannot_be_run_is_told_in_the_stream(served: Served, query: str) -> None:
    response = await served.client.post("/graphql", json={"query": query}, headers={"accept": EVENTS})
    (name, data), last = events(response.content)
    assert (response.status_code, name, last) == (200, "next", ("complete", None))
    assert data["errors"][0]["extensions"]["code"].startswith("GRAPHQL_")
    assert "data" not in data


async def test_what_is_deferred_comes_as_events_with_the_whole_bill_in_the_last(served: Served) -> None:
    response = await served.client.post("/graphql", json=DEFERRED, headers={"accept": EVENTS})
    *payloads, last = events(response.content)
    assert payloads[0][1]["data"] == {"user": {"username": "natgeo"}}
    assert [data["hasNext"] for _, data in payloads] == [True] * (len(payloads) - 1) + [False]
    assert payloads[-1][1]["extensions"]["billing"]["charged"] == 1
    assert last == ("complete", None)


async def test_a_bug_in_an_event_is_hidden(served: Served) -> None:
    body = {"query": "subscription { breaks }"}
    response = await served.client.post("/graphql", json=body, headers={"accept": EVENTS})
    assert "secret" not in response.text
    (_, first), (_, second), _ = events(response.content)
    assert first["data"] == {"breaks": 0}
    assert second["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_who_may_not_is_refused(serve: Serve) -> None:
    served = await serve(clients={"writer": Terms(rights=("write",))})
    refused = await served.client.post("/graphql", json=TICKS, headers={"accept": EVENTS})
    assert refused.status_code == 401
    headers = {"accept": EVENTS, "x-api-key": key_of("writer")}
    (_, data), _ = events((await served.client.post("/graphql", json=TICKS, headers=headers)).content)
    assert data["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert Ticks.running == 0


async def test_a_client_that_goes_away_ends_its_subscription(served: Served) -> None:
    async with Reading(served.app, {"query": "subscription { ticks(to: 1000) }"}, accept=EVENTS) as reading:
        await reading.chunk()
        assert Ticks.running == 1
    assert Ticks.running == 0


async def test_a_client_that_reads_slowly_has_no_events_gathered_for_it(served: Served) -> None:
    body = {"query": "subscription { ticks(to: 1000000, every: 0.001) }"}
    async with Reading(served.app, body, accept=EVENTS, room=5) as reading:
        await asyncio.sleep(30)
        read = [json.loads((await reading.chunk()).split(b"data: ")[1])["data"]["ticks"] for _ in range(8)]
    assert read == list(range(8))


async def test_no_stream_lasts_for_ever(served: Served) -> None:
    body = {"query": "subscription { ticks(to: 1000, every: 1000) }"}
    async with Reading(served.app, body, accept=EVENTS) as reading:
        begun = asyncio.get_running_loop().time()
        assert events(await reading.whole())[-1] == ("complete", None)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(LIFETIME)


async def test_a_client_holds_so_many_streams_and_no_more(serve: Serve) -> None:
    served = await serve(connections=1)
    async with Reading(served.app, TICKS, accept=EVENTS) as reading:
        await reading.chunk()
        refused = await served.client.post("/graphql", json=TICKS, headers={"accept": EVENTS})
        assert refused.status_code == 429
        assert details(refused.json()["errors"][0]) == {"code": "TOO_MANY_STREAMS", "most": 1}
    again = await served.client.post("/graphql", json=TICKS, headers={"accept": EVENTS})
    assert again.status_code == 200


async def test_a_page_of_another_site_opens_no_stream_but_of_a_stored_document(served: Served) -> None:
    """EventSource can but GET, and sends no header of its own."""
    response = await served.client.get("/graphql", params=TICKS, headers={"accept": EVENTS})
    assert response.status_code == 403
    assert Ticks.running == 0


@pytest.mark.no_cover  # a trace function of its own
async def test_others_have_turns_while_many_are_told_of_a_change(tmp_path: Path) -> None:
    many = 60
    async with running_gateway(tmp_path, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        gateway.sandbox.faults.play(Script([Processing(seconds=1_000.0)]))
        account = (await gateway.query("{ accounts { id } }")).data["accounts"][0]["id"]
        order = f'account: "{account}", title: "t", media: [{{ url: "https://media.test/1.jpg" }}]'
        order += ', idempotencyKey: "1", waitSeconds: 0'
        begun = await gateway.query(f"mutation {{ createHighlight(input: {{ {order} }}) {{ flow {{ id }} }} }}")
        id_ = begun.data["createHighlight"]["flow"]["id"]
        body = {"query": f'subscription {{ flow(id: "{id_}") {{ state }} }}'}
        async with contextlib.AsyncExitStack() as open_:
            readings = [await open_.enter_async_context(Reading(gateway.app, body, accept=EVENTS)) for _ in range(many)]
            for reading in readings:
                await reading.chunk()

            async def told() -> None:
                await gateway.query(f'mutation {{ cancelFlow(id: "{id_}") {{ flow {{ id }} }} }}')
                assert all([b"CANCELLED" in await reading.whole() for reading in readings])

            work = await work_of(told())
    assert work.longest < work.calls / 4

"""What a large answer takes: it is bounded before anything is bought, and made and sent in steps."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.domain.shared_tuple import SharedTuple
from gateway.execution import Projections
from gateway.execution.sizes import LARGEST, is_larger, least_size
from gateway.http.disconnect import PIECE
from gateway.http.transports import send_buffer
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, details, running_gateway
from tests.fakes.websocket import Socket
from tests.http.counted import work_of

TRAY = "query T($n: String!) { user(by: { username: $n }) { highlights(first: 1) { nodes { id ...H } } } }"
TRAY += " fragment H on Highlight { items { totalCount } }"


ALIASES = " ".join(f"a{at}: thumbnailUrl" for at in range(95))
LARGE = f"query A($i: [ID!]!) {{ highlights(ids: $i) {{ items {{ nodes {{ {ALIASES} }} }} }} }}"
DEFERRED = LARGE.replace("highlights(ids: $i) {", "highlights(ids: $i) { ... @defer {").replace(" } }", " } } }", 1)
# Highlights, of 1.4 MB each.
ENOUGH, HALF = 13, 7
PARTS = "multipart/mixed;incrementalSpec=v0.2"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    settings = dataclasses.replace(Settings(), batch_limit=5)
    async with running_gateway(tmp_path, settings=settings, all_heard=False) as running:
        yield running


async def highlight(gateway: RunningGateway) -> str:
    """The id of one with a hundred items, which is bought."""
    answer = await gateway.query(TRAY, {"n": "hundred.highlights"})
    (found,) = answer.data["user"]["highlights"]["nodes"]
    assert found["items"]["totalCount"] == 100
    return str(found["id"])


async def work(gateway: RunningGateway, document: str, variables: dict[str, Any] | None = None) -> int:
    """Function calls of an operation whose document is known, with variables that are new."""
    return (await work_of(gateway.query(document, variables))).calls


async def test_a_link_is_signed_once_in_an_operation(gateway: RunningGateway) -> None:
    document = "query A($i: [ID!]!) { highlights(ids: $i) { items { nodes { id thumbnailUrl(proxied: true) } } } }"
    id_ = await highlight(gateway)
    answer = await gateway.query(document, {"i": [id_]})
    once = answer.data["highlights"][0]["items"]["nodes"]
    assert len({item["thumbnailUrl"] for item in once}) == 100
    few = await work(gateway, document, {"i": [id_] * 2})
    many = await work(gateway, document, {"i": [id_] * 12})
    assert (many - few) / 10 / 100 < 35  # function calls for each link more: fifty if it is signed
    again = await gateway.query(document, {"i": [id_] * 3})
    assert again.data["highlights"] == [{"items": {"nodes": once}}] * 3


async def test_the_schema_is_printed_once(gateway: RunningGateway) -> None:
    document = " ".join(["{", *(f"s{at}: _service {{ sdl }}" for at in range(10)), "}"])
    answer = await gateway.query(document)
    assert len({each["sdl"] for each in answer.data.values()}) == 1
    assert await work(gateway, document) < 10_000


# -- how large an answer may be


async def ask(gateway: RunningGateway, accept: str, document: str, keys: int) -> httpx.Response:
    body = {"query": document, "variables": {"i": [await highlight(gateway)] * keys}}
    return await gateway.client.post("/graphql", json=body, headers={"accept": accept})


def codes(payload: Any) -> list[str]:
    return [error["extensions"]["code"] for error in payload.get("errors", ())]


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), ("application/graphql-response+json", 400)])
async def test_an_answer_that_turns_out_too_large_is_an_error(
    gateway: RunningGateway, accept: str, status: int
) -> None:
    response = await ask(gateway, accept, LARGE, ENOUGH)
    assert response.status_code == status
    payload = response.json()
    assert "data" not in payload
    (error,) = payload["errors"]
    assert details(error) == {"code": "ANSWER_TOO_LARGE", "most": LARGEST}
    assert payload["extensions"]["billing"]["charged"] == 0
    billed = gateway.billed
    smaller = await ask(gateway, accept, LARGE, 2)
    assert LARGEST / 10 < len(smaller.content) < LARGEST
    assert (codes(smaller.json()), gateway.billed) == ([], billed)


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed;incrementalSpec=v0.2"])
async def test_it_is_one_where_the_client_reads_only_streams(gateway: RunningGateway, accept: str) -> None:
    response = await ask(gateway, accept, LARGE, ENOUGH)
    assert b"ANSWER_TOO_LARGE" in response.content
    assert len(response.content) < 1_000


async def test_a_part_that_is_too_large_ends_the_parts(gateway: RunningGateway) -> None:
    response = await ask(gateway, PARTS, DEFERRED, ENOUGH)
    assert response.status_code == 200
    parts = [json.loads(part.split(b"\r\n\r\n", 1)[1]) for part in response.content.split(b"\r\n---")[1:-1]]
    assert "data" in parts[0]
    assert codes(parts[-1]) == ["ANSWER_TOO_LARGE"]
    assert parts[-1]["hasNext"] is False
    assert len(response.content) < LARGEST


async def test_the_answers_of_a_batch_are_as_large_as_one_may_be(gateway: RunningGateway) -> None:
    variables = {"i": [await highlight(gateway)] * HALF}
    batch = [{"query": LARGE, "variables": variables}] * 3
    response = await gateway.client.post("/graphql", json=batch)
    assert len(response.content) < LARGEST * 1.1
    answers = response.json()
    assert [codes(answer) for answer in answers] == [[], ["ANSWER_TOO_LARGE"], ["ANSWER_TOO_LARGE"]]
    assert [answer["extensions"]["billing"]["charged"] for answer in answers] == [0] * 3


async def test_over_a_websocket_it_is_an_error_message(gateway: RunningGateway) -> None:
    variables = {"i": [await highlight(gateway)] * ENOUGH}
    async with Socket(gateway.app) as socket:
        await socket.init()
        await socket.subscribe("1", LARGE, variables=variables)
        message = await socket.read()
    assert message["type"] == "error"
    assert [error["extensions"]["code"] for error in message["payload"]] == ["ANSWER_TOO_LARGE"]


async def test_over_a_websocket_nobody_has_answers_made_that_wait(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def note(payload: Any) -> int:
        made.append(least_size(payload))
        return made[-1]

    monkeypatch.setattr(send_buffer, "least_size", note)
    variables = {"i": [await highlight(gateway)]}
    async with Socket(gateway.app, room=2) as socket:
        await socket.init()
        for at in range(9):
            await socket.subscribe(str(at), LARGE, variables=variables)
        for _ in range(1_000):
            await asyncio.sleep(0)
        waiting = len(made)
        messages = [await socket.read() for _ in range(18)]
    assert waiting <= 4  # two are taken, one is on its way, one waits
    assert len(made) == 9
    assert sorted(message["type"] for message in messages) == ["complete"] * 9 + ["next"] * 9


@pytest.mark.parametrize(
    "result",
    [{"a": "x" * 100, "b": [1, None, {"c": "é" * 9}]}, [["1"] * 9], "text", 1, None, {"r": msgspec.Raw(b"[1]")}],
)
def test_no_answer_is_found_larger_than_it_is(result: Any) -> None:
    assert least_size(result) <= len(msgspec.json.encode(result))


def test_the_size_of_an_answer_is_not_counted_to_its_end() -> None:
    entries = [{"a": "x" * 1_000}] * 1_000
    assert is_larger(entries, 10_000)
    assert not is_larger(entries, 2_000_000)
    assert least_size(entries, 10_000) < 20_000


def test_what_is_projected_of_a_list_is_not_encoded_where_it_is_too_large() -> None:
    """Beside the list's own it would be a second copy, and of one text as many as it has aliases."""
    projections, objects = Projections(2**30), SharedTuple([{"a": 1}])
    projections.add(objects)
    for _ in range(3):
        assert isinstance(projections.of(objects, b"shape", lambda o, g: ["x" * 2**20] * 17), list)


# -- how it is compressed


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd"])
async def test_a_long_answer_is_compressed_in_turns(gateway: RunningGateway, coding: str) -> None:
    """To compress 16 MiB at once takes tenths of a second."""
    variables = {"i": [await highlight(gateway)]}
    plain = await gateway.query(LARGE, variables, headers={"accept-encoding": "identity"})
    pieces = len(msgspec.json.encode(plain.data)) // PIECE
    assert pieces > 20
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    packed = await gateway.query(LARGE, variables, headers={"accept-encoding": coding})
    waiting.cancel()
    assert packed.headers["content-encoding"] == coding
    assert packed.data == plain.data
    assert turns >= pieces
    again = await gateway.query(LARGE, variables, headers={"accept-encoding": coding})
    assert again.data == plain.data

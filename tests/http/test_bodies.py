"""Bodies in and out: none is read of somebody unknown, and none is handed to the server at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.http.disconnect import PIECE, InPieces
from tests.fakes.gateway import RunningGateway, Terms, key_of, running_gateway

JSON = (b"content-type", b"application/json")
LENGTH = (b"content-length", b"100")
FORM = [
    (b"content-type", b"multipart/form-data; boundary=b"),
    (b"graphql-require-preflight", b"1"),
    (b"content-length", b"100000"),
]
STRANGERS: list[list[tuple[bytes, bytes]]] = [
    [],
    [(b"x-api-key", b"")],
    [(b"x-api-key", b"nobody")],
    [(b"authorization", b"Bearer nobody")],
    [(b"authorization", b"Basic " + key_of("web").encode())],
    [(b"x-other", key_of("web").encode())],
]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clients={"web": Terms()}, all_heard=False) as one:
        yield one


class Sender:
    """A client that sends a head and then nothing."""

    def __init__(self) -> None:
        self.awaited = 0
        self.sent: list[Message] = []

    async def ask(self, app: Any, headers: list[tuple[bytes, bytes]], method: str = "POST", query: bytes = b"") -> int:
        scope = {
            "type": "http",
            "method": method,
            "path": "/graphql",
            "root_path": "",
            "query_string": query,
            "headers": [(b"host", b"gateway.test"), *headers],
        }
        await app(scope, self._receive, self._send)
        return self.sent[0]["status"] if self.sent else 0

    async def _receive(self) -> Message:
        self.awaited += 1
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize(
    "announced",
    [
        [JSON, LENGTH],
        [JSON, (b"content-length", b"30000")],
        [JSON, (b"content-length", b"999999999")],
        [JSON, (b"transfer-encoding", b"chunked")],
        [JSON, LENGTH, (b"expect", b"100-continue")],
        [(b"content-type", b"text/plain"), LENGTH],
        FORM,
        [],
    ],
)
async def test_whoever_has_no_key_is_refused_before_the_body_is_read(
    gateway: RunningGateway, announced: list[tuple[bytes, bytes]], stranger: list[tuple[bytes, bytes]]
) -> None:
    for headers in ([*announced, *stranger], [*stranger, *announced]):
        sender = Sender()
        assert await sender.ask(gateway.app, headers) == 401
        assert sender.awaited == 0


async def test_the_body_of_a_request_that_needs_none_is_not_waited_for(gateway: RunningGateway) -> None:
    sender = Sender()
    query = b"query=%7B__typename%7D"
    headers = [LENGTH, JSON, (b"graphql-require-preflight", b"1")]
    assert await sender.ask(gateway.app, headers, "GET", query) == 401


async def test_whoever_has_a_key_is_listened_to_wherever_it_stands_in_the_head(gateway: RunningGateway) -> None:
    key = (b"x-api-key", key_of("web").encode())
    for headers in ([key, JSON, LENGTH], [JSON, LENGTH, *((b"x-%d" % at, b"") for at in range(100)), key]):
        sender = Sender()
        await sender.ask(gateway.app, headers)
        assert sender.awaited > 0


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
@pytest.mark.parametrize("more", [True, False])
async def test_a_long_body_is_sent_piece_by_piece(size: int, more: bool) -> None:
    whole = bytes(at % 251 for at in range(size))
    sender = Sender()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": whole, "more_body": more})

    await InPieces(app)({"type": "http"}, sender._receive, sender._send)
    bodies = sender.sent[1:]
    assert b"".join(message["body"] for message in bodies) == whole
    assert [message["more_body"] for message in bodies] == [True] * (len(bodies) - 1) + [more]
    assert len(bodies) == max(1, -(-size // PIECE))


async def test_no_answer_of_the_gateway_is_handed_on_at_once(gateway: RunningGateway) -> None:
    longest = 0

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            nonlocal longest
            longest = max(longest, len(message.get("body", b"")))
            await send(message)

        await gateway.app(scope, receive, note)

    gateway.client._transport.app = watched  # type: ignore[attr-defined]  # the one of httpx
    aliases = " ".join(f"u{at}: user(by: {{ id: 787132 }}) {{ ...all }}" for at in range(3))
    fields = "highlights { nodes { id title url items { nodes { id thumbnailUrl videoUrl takenAt } } } }"
    answer = await gateway.query(
        f"query {{ {aliases} }} fragment all on User {{ {fields} }}",
        client="web",
        headers={"accept-encoding": "identity"},
    )
    assert answer.status == 200
    assert len(answer.body["data"]) == 3
    assert PIECE // 2 < longest <= PIECE

"""No request leaves garbage that only the collector can free: its pauses stop the event loop.

The collector is off while requests are answered; what it finds afterwards is in reference cycles.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
from starlette.types import ASGIApp, Message, Scope

from gateway.media_proxy.links import PATH
from gateway.media_proxy.signed_urls import MediaClaims, UrlSigner
from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Latency, Script, Status
from gateway.settings import Settings
from tests.fakes.gateway import ORIGIN, RunningGateway, Terms, key_of, running_gateway

COUNT = 5
OURS = (
    "gateway.cache",
    "gateway.http",
    "gateway.loaders",
    "gateway.media",
    "gateway.operations",
    "gateway.planner",
    "schema.",
)
HIGHLIGHTS = "highlights(first: 3) { nodes { title items { nodes { id } } } }"
TRAY = f'user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ username {HIGHLIGHTS} }}'
DOCUMENT = "query($id: ID!) { user(by: { id: $id }) { username highlights { nodes { title } } } }"
FLOW = 'subscription { flow(id: "none") { state } }'
MEDIA_SECRET = "of-the-media"  # pragma: allowlist secret
RIGHTS = ("read", "write", "balance", "introspect")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    settings = dataclasses.replace(Settings(), hikerapi_rate=10_000.0, batch_limit=5, media_secret=MEDIA_SECRET)
    clients = {"any": Terms(RIGHTS)}
    async with running_gateway(tmp_path, settings=settings, clients=clients, all_heard=False) as running:
        await running.knows_its_accounts("any")
        yield running


class Exchange:
    """A request as servers make them: it holds the scope, and the application is handed its methods."""

    def __init__(self, scope: Scope, incoming: list[Message], *, hangs_up_after: int | None = None) -> None:
        self.scope = scope
        self.sent = 0
        self.status = 0
        self._incoming = incoming[::-1]
        self._hangs_up_after = hangs_up_after

    async def run(self, app: ASGIApp) -> None:
        await app(self.scope, self.receive, self.send)

    async def receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop()
        if self._hangs_up_after is None:
            await asyncio.Event().wait()
        while self.sent < (self._hangs_up_after or 0):  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)  # what is asked upstream is on its way
        kind = "websocket" if self.scope["type"] == "websocket" else "http"
        return {"type": f"{kind}.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent += 1
        self.status = message.get("status", self.status)


Kind: TypeAlias = Callable[[int], Exchange]


def posted(body: Any, *headers: tuple[bytes, bytes], hangs_up_after: int | None = None) -> Exchange:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    head = [
        (b"host", b"gateway.test"),
        (b"x-api-key", key_of("any").encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        *headers,
    ]
    scope: Scope = {"type": "http", "method": "POST", "path": "/graphql", "raw_path": b"/graphql", "headers": head}
    scope.update({"query_string": b"", "root_path": "", "scheme": "http", "server": ("gateway.test", 80)})
    incoming: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    return Exchange(scope, incoming, hangs_up_after=hangs_up_after)


def read(path: str, *headers: tuple[bytes, bytes]) -> Exchange:
    exchange = posted(b"", *headers)
    exchange.scope.update({"method": "GET", "path": path, "raw_path": path.encode()})
    return exchange


def new_document(turn: int) -> Exchange:
    return posted({"query": f"{{ a{turn}: {TRAY} }}"})


def document_with_fragments(turn: int) -> Exchange:
    text = f"query Q($id: ID!) {{ a{turn}: user(by: {{ id: $id }}) {{ ...F }} }} fragment F on User {{ username ...G }}"
    return posted({"query": f"{text} fragment G on User {{ id }}", "variables": {"id": fixture_users.THIRTY.pk}})


def known_document(turn: int) -> Exchange:
    return posted({"query": DOCUMENT, "variables": {"id": fixture_users.THIRTY.pk}, "extensions": {"turn": turn}})


def known_request(turn: int) -> Exchange:
    return posted({"query": "{ __typename }"})


def no_graphql(turn: int) -> Exchange:
    return posted({"query": f"{{ a{turn}: " + "user " * 50})


def too_complex(turn: int) -> Exchange:
    return posted({"query": f"{{ {'a' * 300}{turn} }}"})


def invalid_document(turn: int) -> Exchange:
    return posted({"query": f"{{ {TRAY} " + " ".join(f"no{at}x{turn}" for at in range(30)) + " }"})


def variables_that_do_not_fit(turn: int) -> Exchange:
    return posted({"query": DOCUMENT, "variables": {"id": {"turn": turn}}})


def no_json(turn: int) -> Exchange:
    return posted(b"{" + b"[" * turn)


def unknown_key(turn: int) -> Exchange:
    exchange = posted({"query": "{ __typename }", "extensions": {"turn": turn}})
    exchange.scope["headers"][1] = (b"x-api-key", b"another")
    return exchange


def over_the_ceiling(turn: int) -> Exchange:
    return posted({"query": f'{{ user(by: {{ username: "n{turn}" }}) {{ id }} }}'}, (b"x-billing-limit", b"0"))


def user_who_is_not_there(turn: int) -> Exchange:
    return posted(
        {"query": f'{{ a: {TRAY} b: user(by: {{ id: "{turn + 1}" }}) {{ username highlights {{ totalCount }} }} }}'}
    )


def upstream_that_fails(turn: int) -> Exchange:
    return posted({"query": f'{{ user(by: {{ id: "{787132 + turn}" }}) {{ biography }} }}'})


def client_that_hangs_up(turn: int) -> Exchange:
    return posted({"query": f'{{ user(by: {{ username: "slow.{turn}" }}) {{ id }} }}'}, hangs_up_after=0)


def deferred(turn: int) -> Exchange:
    text = f'{{ a{turn}: __typename ... @defer {{ user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ username }} }} }}'
    return posted({"query": text}, (b"accept", b"multipart/mixed"))


def deferred_and_cut(turn: int) -> Exchange:
    text = f'{{ a{turn}: __typename ... @defer {{ user(by: {{ username: "slow.{turn}" }}) {{ id }} }} }}'
    return posted({"query": text}, (b"accept", b"multipart/mixed"), hangs_up_after=2)


def events(turn: int) -> Exchange:
    return posted({"query": "{ __typename }", "extensions": {"turn": turn}}, (b"accept", b"text/event-stream"))


def subscription_of_nothing(turn: int) -> Exchange:
    return posted({"query": FLOW, "extensions": {"turn": turn}}, (b"accept", b"text/event-stream"))


def batch(turn: int) -> Exchange:
    return posted([{"query": f"{{ a{turn}: {TRAY} }}"}, {"query": "{ nothing }"}])


def price(turn: int) -> Exchange:
    return posted({"query": f'{{ price(document: "{{ a{turn}: __typename }}") {{ total {{ max }} }} }}'})


def introspection(turn: int) -> Exchange:
    return posted({"query": f"{{ a{turn}: __schema {{ types {{ name fields {{ name }} }} }} }}"})


def mutation(turn: int) -> Exchange:
    text = (
        f'mutation {{ deleteHighlight(input: {{ id: "{turn + 1}", idempotencyKey: "{turn}" }}) {{ flow {{ id }} }} }}'
    )
    return posted({"query": text})


def refused_mutation(turn: int) -> Exchange:
    text = (
        f'mutation {{ createHighlight(input: {{ account: "1", title: "", media: [], idempotencyKey: "{turn}" }}) '
        "{ userErrors { code } } }"
    )
    return posted({"query": text})


def mistake_in_a_literal(turn: int) -> Exchange:
    return posted({"query": f"{{ user(by: {{ id: {{ a: {turn} }} }}) {{ id }} }}"})


def page(turn: int) -> Exchange:
    return read("/graphql", (b"accept", b"text/html"))


def readiness(turn: int) -> Exchange:
    return read("/readyz")


def unknown_path(turn: int) -> Exchange:
    return read(f"/{turn}")


def picture_that_is_not_signed(turn: int) -> Exchange:
    return read(f"/media/{turn}")


def webhook_that_is_not_signed(turn: int) -> Exchange:
    exchange = posted({"entry": [turn]}, (b"x-hub-signature-256", b"sha256=0"))
    exchange.scope["path"] = "/webhooks/platform"
    return exchange


def streamed(turn: int) -> Exchange:
    nodes = "nodes @stream(initialCount: 1) { id }"
    text = f'{{ a{turn}: user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ highlights(first: 5) {{ {nodes} }} }} }}'
    return posted({"query": text}, (b"accept", b"multipart/mixed"))


def deferred_for_nobody(turn: int) -> Exchange:
    return posted({"query": f"{{ a{turn}: __typename ... @defer {{ b: __typename }} }}"})


def form(*parts: tuple[str, bytes]) -> Exchange:
    """Of `operations`, `map` and files."""
    head = b'--b\r\ncontent-disposition: form-data; name="%s"; filename="f"\r\n\r\n%s\r\n'
    body = b"".join(head % (name.encode(), content) for name, content in parts)
    exchange = posted(body + b"--b--\r\n")
    exchange.scope["headers"][2] = (b"content-type", b"multipart/form-data; boundary=b")
    return exchange


def file_that_is_no_picture(turn: int) -> Exchange:
    text = (
        "mutation($file: Upload!) { createHighlight(input: "
        f'{{ account: "1", title: "", media: [{{ file: $file }}], idempotencyKey: "{turn}" }}) '
        "{ userErrors { code } } }"
    )
    operations = msgspec.json.encode({"query": text, "variables": {"file": None}})
    return form(("operations", operations), ("map", b'{"0": ["variables.file"]}'), ("0", b"\xff\xd8\xff%d" % turn))


def form_without_its_file(turn: int) -> Exchange:
    operations = msgspec.json.encode({"query": "{ __typename }", "variables": {"file": None, "turn": turn}})
    return form(("operations", operations), ("map", b'{"0": ["variables.file"]}'))


def medium_that_is_gone(turn: int) -> Exchange:
    url = f"{ORIGIN}/sandbox/cdn/{turn}.jpg"
    return read(
        PATH + UrlSigner(MEDIA_SECRET.encode()).sign(MediaClaims(url, f"user:{fixture_users.THIRTY.pk}", 2**33))
    )


def socket_with_an_id_twice(turn: int) -> Exchange:
    slow = {
        "id": "1",
        "type": "subscribe",
        "payload": {"query": f'{{ user(by: {{ username: "slow.{turn}" }}) {{ id }} }}'},
    }
    return spoken([{"type": "connection_init"}, slow, slow])


def socket(turn: int) -> Exchange:
    texts: list[dict[str, Any]] = [
        {"type": "connection_init"},
        {"id": "1", "type": "subscribe", "payload": {"query": f"{{ a{turn}: __typename }}"}},
        {"id": "2", "type": "subscribe", "payload": {"query": f"{{ a{turn}: nothing }}"}},
    ]
    return spoken(texts)


def spoken(texts: list[dict[str, Any]]) -> Exchange:
    """Over a WebSocket."""
    head = [(b"host", b"gateway.test"), (b"x-api-key", key_of("any").encode())]
    scope = {"type": "websocket", "path": "/graphql", "raw_path": b"/graphql", "headers": head, "query_string": b""}
    scope |= {"root_path": "", "scheme": "ws", "subprotocols": ["graphql-transport-ws"]}
    incoming: list[Message] = [{"type": "websocket.connect"}]
    incoming += [{"type": "websocket.receive", "text": msgspec.json.encode(text).decode()} for text in texts]
    return Exchange(scope, incoming, hangs_up_after=5)


KINDS: tuple[Kind, ...] = (
    new_document,
    document_with_fragments,
    known_document,
    known_request,
    no_graphql,
    too_complex,
    invalid_document,
    variables_that_do_not_fit,
    no_json,
    unknown_key,
    over_the_ceiling,
    user_who_is_not_there,
    upstream_that_fails,
    client_that_hangs_up,
    deferred,
    deferred_and_cut,
    events,
    subscription_of_nothing,
    batch,
    price,
    introspection,
    mutation,
    refused_mutation,
    mistake_in_a_literal,
    page,
    readiness,
    unknown_path,
    picture_that_is_not_signed,
    webhook_that_is_not_signed,
    socket,
    streamed,
    deferred_for_nobody,
    file_that_is_no_picture,
    form_without_its_file,
    medium_that_is_gone,
    socket_with_an_id_twice,
)
# Objects that libraries leave in cycles for one request, which only a request that fails pays.
LEFT: dict[Kind, int] = {
    upstream_that_fails: 75,  # stamina and tenacity, for each call that is tried again
    mistake_in_a_literal: 20,  # graphql-core's printer, for each value that an error shows
}


@pytest.fixture
def uncollected(frozen_heap: None) -> Iterator[None]:
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.no_cover  # a trace function makes frames of its own
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_no_request_leaves_garbage_to_the_collector(
    gateway: RunningGateway, kind: Kind, uncollected: None
) -> None:
    slow = Latency(seconds=1.0, endpoint="/v1/user/by/username")
    gateway.sandbox.faults.play(
        Script([slow, Status(500, endpoint="/v1/user/by/id")] if kind is upstream_that_fails else [slow])
    )
    for turn in range(3):
        await _answered(gateway.app, kind(turn))
    gc.collect()
    for turn in range(10, 10 + COUNT):
        await _answered(gateway.app, kind(turn))
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    left = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    assert len(gc.garbage) <= LEFT.get(kind, 0) * COUNT, left
    assert not any(name.startswith(OURS) for name in left), left


async def _answered(app: ASGIApp, exchange: Exchange) -> None:
    await exchange.run(app)
    assert exchange.sent or exchange._hangs_up_after is not None
    for _ in range(3):
        await asyncio.sleep(0)  # a request that waits for nothing leaves the end of its tasks to the next turn

"""A request that was answered before is answered in front of all routes, to the byte as the long way answers it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.clients import Right
from gateway.composition.app import Gateway
from gateway.http.exact_match_cache import HEADERS_NOT_IN_KEY, ExactMatchCacheMiddleware
from gateway.http.request_parsing import CSRF_HEADERS
from gateway.settings import Settings
from tests.fakes.clock import EPOCH
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import ORIGIN, Terms, WallClock, clients_file, key_of
from tests.meta.tree import ROOT

TRAY = "query Tray($id: ID!, $n: Int = 3) { user(by: { id: $id }) { username highlights(first: $n) { nodes { id } } } }"
LARGE = "{ user(by: { id: 787132 }) { highlights { nodes { id title url cover { url } items { nodes { id } } } } } }"
NATGEO = {"id": "787132"}
JSON = {"content-type": "application/json"}
CLIENTS = {
    "free": Terms(),
    "bold": Terms(rights=("read", "force")),
    "web": Terms(allowance={"day": 1_000}),
    "mute": Terms(rights=("introspect",)),
}


class Counted:
    """An app, and how many requests came to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        await self.app(scope, receive, send)


class Doors:
    """One gateway with two doors: the long way alone, and the short one in front of it."""

    def __init__(self, gateway: Gateway, clock: WallClock) -> None:
        app = gateway.app()
        del app.user_middleware[:-1]  # all but the request ids
        self.gateway, self.clock, self.lifespan = gateway, clock, app.router.lifespan_context(app)
        self.behind = Counted(app)
        self.again = ExactMatchCacheMiddleware(
            self.behind,
            clients=gateway.access.clients,
            stored=gateway.operations.stored,
            responses=gateway.operations.answers.responses,
            observer=gateway.observers.replays,
        )
        self.long, self.short = client(app), client(self.again)

    async def post(self, door: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await door.post("/graphql", content=content, headers={**JSON, **headers})

    async def primed(self, body: Any, **headers: str) -> httpx.Response:
        """Asked until it is answered in front."""
        for _ in range(3):
            response = await self.post(self.short, body, **headers)
        assert await self.passed(body, **headers) == 0
        return response

    async def passed(self, body: Any, **headers: str) -> int:
        """How many of two such requests came through to the long way."""
        before = self.behind.requests
        for _ in range(2):
            await self.post(self.short, body, **headers)
        return self.behind.requests - before


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)


@contextlib.asynccontextmanager
async def opened(folder: Path, clients: Mapping[str, Terms], **others: Any) -> AsyncIterator[Doors]:
    clock = WallClock()
    settings = dataclasses.replace(Settings(), data_dir=folder, clients_file=clients_file(folder, clients), **others)
    doors = Doors(Gateway(settings, None, clock, ORIGIN, durable=VolatileDurable(clock)), clock)
    async with doors.lifespan, doors.long, doors.short:
        yield doors


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with opened(tmp_path, CLIENTS) as doors:
        yield doors


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Doors]]:
    """For properties: one gateway, and one loop for all examples."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        doors = runner.run(stack.enter_async_context(opened(tmp_path_factory.mktemp("doors"), CLIENTS)))
        yield runner, doors
        runner.run(stack.aclose())


def said(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = (header for header in response.headers.multi_items() if header[0] != "x-request-id")
    return response.status_code, sorted(headers), response.content


BODIES = st.sampled_from(
    [
        msgspec.json.encode({"query": TRAY, "variables": NATGEO}),
        msgspec.json.encode({"query": TRAY, "variables": {"n": 1, **NATGEO}}),
        msgspec.json.encode({"query": TRAY, "variables": {"n": 101, **NATGEO}}),
        msgspec.json.encode({"query": LARGE}),
        msgspec.json.encode({"query": LARGE, "operationName": "Other"}),
        msgspec.json.encode({"query": "{ allowance { spent } }"}),
        msgspec.json.encode({"query": "{ __schema { queryType { name } } }"}),
        msgspec.json.encode({"query": "{ nothing }"}),
        msgspec.json.encode({"query": LARGE, "documentId": "sha256:" + "0" * 64}),
        b"",
        b"[]",
        b'{"query": ',
    ]
)
OPTIONAL: dict[str, list[str]] = {
    "x-api-key": [*(key_of(name) for name in CLIENTS), "nobody"],
    "authorization": [f"Bearer {key_of('free')}", f"Bearer {key_of('mute')}", "Bearer", "Basic eA=="],
    "accept": ["*/*", "application/json", "application/graphql-response+json", "text/html", "image/png"],
    "accept-encoding": ["identity", "gzip", "br", "zstd", "gzip, br", "x"],
    "content-type": ["application/json", "application/json; charset=latin-1", "text/plain"],
    "content-encoding": ["identity", "gzip"],
    "x-billing-limit": ["0", "7", "many"],
    "x-billing-explain": ["1", "0"],
    "if-none-match": ['"other"', "*"],
    "graphql-require-preflight": ["1"],
    "origin": ["https://evil.example"],
    "user-agent": ["one", "two"],
}
HEADERS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in OPTIONAL.items()})


@given(body=BODIES, headers=HEADERS, key=st.sampled_from([*CLIENTS, "nobody"]))
def test_a_post_gets_what_the_long_way_says(
    run: tuple[asyncio.Runner, Doors], body: bytes, headers: dict[str, str], key: str
) -> None:
    runner, doors = run
    headers = {"x-api-key": key_of(key), "content-type": "application/json", "x-request-id": "same", **headers}

    async def ask() -> None:
        await doors.long.post("/graphql", content=body, headers=headers)  # what it costs is paid here
        expected = said(await doors.long.post("/graphql", content=body, headers=headers))
        for _ in range(3):
            assert said(await doors.short.post("/graphql", content=body, headers=headers)) == expected

    runner.run(ask())


@given(
    parameters=st.fixed_dictionaries(
        {},
        optional={
            "query": st.sampled_from([TRAY, LARGE, "{ nothing }"]),
            "variables": st.sampled_from([msgspec.json.encode(NATGEO).decode(), "{}", "null", "["]),
            "documentId": st.just("sha256:" + "0" * 64),
        },
    ),
    headers=HEADERS,
    revalidates=st.booleans(),
)
def test_a_get_gets_what_the_long_way_says(
    run: tuple[asyncio.Runner, Doors], parameters: dict[str, str], headers: dict[str, str], revalidates: bool
) -> None:
    runner, doors = run
    headers = {"x-api-key": key_of("web"), CSRF_HEADERS[0]: "1", "x-request-id": "same", **headers}

    async def ask() -> None:
        first = await doors.long.get("/graphql", params=parameters, headers=headers)
        if revalidates and "etag" in first.headers:
            headers["if-none-match"] = first.headers["etag"]
        expected = said(await doors.long.get("/graphql", params=parameters, headers=headers))
        for _ in range(3):
            assert said(await doors.short.get("/graphql", params=parameters, headers=headers)) == expected

    runner.run(ask())


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
async def test_the_long_way_is_gone_twice_and_no_more(doors: Doors, coding: str) -> None:
    """Once to buy the answer, once to be told that it is one of those that are kept."""
    headers = {"x-api-key": key_of("free"), "accept-encoding": coding}
    for passed in (1, 2, 2, 2):
        answer = await doors.post(doors.short, {"query": LARGE}, **headers)
        assert answer.headers.get("content-encoding", "identity") == coding
        assert doors.behind.requests == passed


async def test_headers_that_nothing_reads_do_not_make_another_request(doors: Doors) -> None:
    body = {"query": LARGE}
    await doors.primed(body, **{"x-api-key": key_of("free")})
    told = {"x-api-key": key_of("free"), "user-agent": "x", "traceparent": "00-1-2-03", "cookie": "a=b"}
    assert await doors.passed(body, **told) == 0


def test_no_header_that_is_ignored_is_read_by_the_door() -> None:
    """The host is, but for WebSockets and in front of it, and the length is checked before anything else.

    The ids of a request are read for each request, and no answer depends on them.
    """
    read = {"content-length", "host", "connection", "x-request-id", "traceparent", "tracestate"}
    sources = "".join(
        path.read_text()
        for path in sorted((ROOT / "gateway" / "http").rglob("*.py"))
        if path.name != "exact_match_cache.py"
    )
    names = {name.decode() for name in HEADERS_NOT_IN_KEY} - read
    assert not {name for name in names if re.search(f"[\"']{name}[\"']", sources)}


async def test_an_answer_dies_with_its_entries(doors: Doors) -> None:
    body, key = {"query": TRAY, "variables": NATGEO}, {"x-api-key": key_of("web")}
    await doors.primed(body, **key)
    doors.clock.advance(599)
    assert await doors.passed(body, **key) == 0
    doors.clock.advance(1)
    answer = await doors.post(doors.short, body, **key)
    assert answer.headers["x-billed-requests"] == "2"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_the_allowance_is_that_of_now(doors: Doors, coding: str) -> None:
    body, terms = {"query": LARGE}, {"x-api-key": key_of("web"), "accept-encoding": coding}
    before = await doors.primed(body, **terms)
    spent = await doors.post(doors.long, {"query": TRAY, "variables": {"id": "528817151"}}, **terms)
    after = await doors.post(doors.short, body, **terms)
    charged = int(spent.headers["x-billed-requests"])
    assert charged > 0
    left = [answer.json()["extensions"]["billing"]["allowance"]["remaining"] for answer in (before, after)]
    assert left[0] - left[1] == charged
    assert after.headers["x-billing-remaining"] == str(left[1])
    assert said(after) == said(await doors.post(doors.long, body, **terms))


async def test_a_client_that_lost_its_right_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, {"web": Terms()}) as doors:
        await doors.primed({"query": LARGE}, **{"x-api-key": key_of("web")})
        clients_file(tmp_path, {"web": Terms(rights=(Right.INTROSPECT.value,))})
        doors.gateway.access.clients.reload()
        refused = await doors.post(doors.short, {"query": LARGE}, **{"x-api-key": key_of("web")})
        assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        clients_file(tmp_path, {"other": Terms()})
        doors.gateway.access.clients.reload()
        gone = await doors.post(doors.short, {"query": LARGE}, **{"x-api-key": key_of("web")})
        assert gone.status_code == 401


async def test_a_key_that_expires_is_refused_in_front_as_well(tmp_path: Path) -> None:
    async with opened(tmp_path, {"web": Terms(expires=EPOCH + 60)}) as doors:
        await doors.primed({"query": LARGE}, **{"x-api-key": key_of("web")})
        doors.clock.advance(60)
        refused = await doors.post(doors.short, {"query": LARGE}, **{"x-api-key": key_of("web")})
        assert refused.status_code == 401
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_key_is_in_use_that_is_answered_in_front(tmp_path: Path) -> None:
    async with opened(tmp_path, {"web": Terms()}) as doors:
        await doors.primed({"query": LARGE}, **{"x-api-key": key_of("web")})
        doors.gateway.access.clients.take_uses()
        doors.clock.advance(60)
        assert await doors.passed({"query": LARGE}, **{"x-api-key": key_of("web")}) == 0
        assert set(doors.gateway.access.clients.take_uses().values()) == {EPOCH + 60}


async def test_a_document_by_its_hash_is_answered_in_front_as_well(doors: Doors) -> None:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(LARGE.encode()).hexdigest()}}
    key = {"x-api-key": key_of("free")}
    await doors.post(doors.short, {"query": LARGE, "extensions": persisted}, **key)
    await doors.primed({"extensions": persisted}, **key)


async def test_requests_of_many_kinds_take_no_more_memory_than_allowed(tmp_path: Path) -> None:
    """The response that they repeat is used by each of them, and so outlives the least used requests."""
    async with opened(tmp_path, CLIENTS, cache_bytes=2**22) as doors:
        bodies = [{"query": LARGE, "extensions": {"n": f"{turn:04}" + "x" * 2_000}} for turn in range(400)]
        for body in bodies:
            for _ in range(2):
                answer = await doors.post(doors.short, body, **{"x-api-key": key_of("free")})
        assert 2**19 < doors.gateway.operations.answers.responses.size <= 2**20
        assert answer.headers["x-billed-requests"] == "0"
        assert await doors.passed(bodies[-1], **{"x-api-key": key_of("free")}) == 0
        assert await doors.passed(bodies[0], **{"x-api-key": key_of("free")}) == 1


async def test_an_answer_that_was_cut_off_is_not_sent_again(doors: Doors) -> None:
    """Its client went away before the end: what was compressed until then is no answer to anybody."""
    body = msgspec.json.encode({"query": LARGE})
    await doors.post(doors.long, body, **{"x-api-key": key_of("free")})
    heads = {**JSON, "x-api-key": key_of("free"), "accept-encoding": "gzip"}
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "root_path": ""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in heads.items()]

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def take(message: Message) -> None:
        assert message["type"] == "http.response.start"

    async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)

        await doors.behind(scope, receive, send_start)

    doors.again.app = cut_off
    for passed in (1, 2, 3):
        await doors.again(dict(scope), receive, take)
        assert doors.behind.requests == passed


async def test_a_body_that_comes_in_pieces_goes_the_long_way_whole(doors: Doors) -> None:
    body = msgspec.json.encode({"query": LARGE})

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    for _ in range(3):
        answer = await doors.short.post("/graphql", content=pieces(), headers={**JSON, "x-api-key": key_of("free")})
        assert answer.json()["data"]["user"]

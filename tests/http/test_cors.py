"""Pages of other origins, and how answers are compressed."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard

from gateway.http.request_parsing import CSRF_HEADERS
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, running_gateway

APP = "https://app.example.com"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-api-key"}
USER = {"query": "{ user(by: { id: 787132 }) { username } }"}
LARGE = {"query": "{ __schema { types { name description fields { name description } } } }"}
DECODE = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


@pytest.fixture
async def open_gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, settings=Settings(allowed_origins=frozenset({APP})), all_heard=False) as one:
        yield one


async def test_an_allowed_page_may_ask_and_read(open_gateway: RunningGateway) -> None:
    client = open_gateway.client
    preflight = await client.options("/graphql", headers={"origin": APP, **PREFLIGHT})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == APP
    assert "x-api-key" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    for _ in range(3):  # a repeated request too
        answer = await client.post("/graphql", json=USER, headers={"origin": APP})
        assert answer.headers["access-control-allow-origin"] == APP
        assert "x-billed-requests" in answer.headers["access-control-expose-headers"]
        assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "https://app.example.com.evil.com"])
async def test_another_page_may_not(open_gateway: RunningGateway, origin: str) -> None:
    preflight = await open_gateway.client.options("/graphql", headers={"origin": origin, **PREFLIGHT})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    for allowed in (APP, origin, origin):
        answer = await open_gateway.client.post("/graphql", json=USER, headers={"origin": allowed})
        assert answer.headers.get("access-control-allow-origin") == (APP if allowed == APP else None)


async def test_no_page_may_by_default(client: httpx.AsyncClient) -> None:
    preflight = await client.options("/graphql", headers={"origin": APP, **PREFLIGHT})
    assert preflight.status_code == 204
    assert not [name for name in preflight.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, deflate, gzip", "gzip"),
        ("zstd;q=0.1, gzip", "gzip"),
        ("zstd;q=0.9, br;q=0.2, gzip;q=0.5", "zstd"),
        ("gzip, br;q=0.1, zstd;q=0", "gzip"),
        ("X-GZIP", "gzip"),
        ("*", "br"),
        ("*;q=0.1, zstd", "zstd"),
        ("br;q=0, *", "gzip"),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.1, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip, *;q=0", "gzip"),
        ("zstd;q=x, gzip;q=nan", None),
        ("", None),
        (",;=,", None),
    ],
)
@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_a_large_answer_is_compressed_as_the_client_can_read_it(
    client: httpx.AsyncClient, accepted: str, encoding: str | None, media: str
) -> None:
    headers = {"accept-encoding": accepted, "accept": media}
    async with client.stream("POST", "/graphql", json=LARGE, headers=headers) as response:
        body = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers.get("content-encoding") == encoding
    assert int(response.headers["content-length"]) == len(body)
    assert json.loads(DECODE[encoding](body) if encoding else body)["data"]
    assert encoding is None or "accept-encoding" in response.headers["vary"].lower()


@pytest.mark.parametrize("accept", ["multipart/mixed", "text/event-stream"])
async def test_streams_and_small_answers_are_not_compressed(client: httpx.AsyncClient, accept: str) -> None:
    encodings = {"accept-encoding": "gzip, br, zstd"}
    streamed = await client.post("/graphql", json=LARGE, headers={"accept": accept, **encodings})
    small = await client.post("/graphql", json={"query": "{ __typename }"}, headers=encodings)
    for response in (streamed, small):
        assert "content-encoding" not in response.headers


IMAGE = {"accept": "image/avif,image/webp,*/*;q=0.8", "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"}
FOREIGN = ("cross-site", "same-site")
PROOF = {CSRF_HEADERS[0]: "1"}


async def named(gateway: RunningGateway) -> str:
    """The URL of a stored document, whose variables whoever makes a link may choose."""
    query = "query User($id: ID!) { user(by: { id: $id }) { username } }"
    digest = hashlib.sha256(query.encode()).hexdigest()
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    stored = {"query": query, "variables": {"id": "787132"}, "extensions": persisted}
    assert (await gateway.client.post("/graphql", json=stored)).status_code == 200
    return f"/graphql?documentId=sha256:{digest}&variables=%7B%22id%22:%2275885841119%22%7D"


@pytest.mark.parametrize("site", FOREIGN)
async def test_a_page_of_another_origin_buys_nothing_without_a_key(gateway: RunningGateway, site: str) -> None:
    """Neither by an image nor by whatever else it could have a browser send; also where the answer is kept."""
    url = await named(gateway)
    events = {"accept": "text/event-stream", "origin": "https://evil.example.com"}
    sent: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", url, {"headers": {}}),
        ("GET", url, {"headers": IMAGE}),
        ("HEAD", url, {"headers": IMAGE}),
        ("GET", url, {"headers": events}),
        ("GET", url, {"headers": PROOF}),
        ("GET", url, {"headers": {"authorization": "Basic YTpi"}}),
        ("POST", "/graphql", {"json": USER, "headers": PROOF}),
        ("POST", "/graphql", {"json": {"query": "mutation { cancelFlow(id: 1) { id } }"}, "headers": PROOF}),
    ]
    for bought in (False, True):
        for _ in range(3 if bought else 0):
            assert (await gateway.client.get(url, headers={"sec-fetch-site": "same-origin"})).status_code == 200
        billed = gateway.billed
        for method, target, rest in sent:
            headers = {**rest["headers"], "sec-fetch-site": site}
            refused = await gateway.client.request(method, target, **{**rest, "headers": headers})
            assert refused.status_code == 403
            assert method == "HEAD" or refused.json()["errors"][0]["extensions"]["code"] == "CSRF_SUSPECTED"
        assert gateway.billed == billed


async def test_a_link_on_another_site_is_shown_and_left_to_the_reader(gateway: RunningGateway) -> None:
    url = await named(gateway)
    billed = gateway.billed
    for target in (url, "/graphql"):
        headers = {"accept": "text/html,*/*;q=0.8", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        shown = await gateway.client.get(target, headers=headers)
        assert shown.status_code == 200
        assert shown.headers["content-type"].startswith("text/html")
    assert gateway.billed == billed


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site", "x-api-key": "k"},
        {"sec-fetch-site": "cross-site", "authorization": "Bearer k"},
        {"sec-fetch-site": "cross-site", "origin": APP},
        {"sec-fetch-site": "same-site", "origin": APP.upper()},
    ],
)
async def test_its_own_pages_allowed_ones_and_whoever_shows_a_key_may_buy(
    open_gateway: RunningGateway, headers: dict[str, str]
) -> None:
    answer = await open_gateway.client.get(await named(open_gateway), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["x-billed-requests"] == "1"


async def test_a_page_of_another_origin_shows_media(gateway: RunningGateway) -> None:
    """A link to one is signed, names one medium, and ends with it."""
    query = "{ user(by: { id: 787132 }) { profilePictureUrl proxied: profilePictureUrl(proxied: true) } }"
    user = (await gateway.query(query)).data["user"]
    for url in user.values():
        shown = await gateway.client.get(url, headers={**IMAGE, "sec-fetch-site": "cross-site"})
        assert shown.status_code == 200
        assert shown.headers["content-type"].startswith("image/")

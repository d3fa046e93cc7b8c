"""Pages of other origins, and how answers are compressed."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard

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
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br;q=0.1, zstd;q=0", "br"),
        ("identity", None),
        ("gzip;q=0", None),
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

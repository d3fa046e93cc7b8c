"""Documents that are named instead of sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

from gateway.http.request_parsing import CSRF_HEADERS

QUERY = "query T($name: String!) { __type(name: $name) { name } }"
VARIABLES = {"name": "User"}
FOUND = {"__type": {"name": "User"}}
PROOF = {CSRF_HEADERS[0]: "1"}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(sha256: str, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": sha256}}


async def post(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/graphql", json={"variables": VARIABLES, **body})


async def get(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
    encoded = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
    return await client.get("/graphql", params={"variables": json.dumps(VARIABLES), **encoded}, headers=headers)


def code(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


async def test_a_hash_is_unknown_until_its_document_came_with_it(client: httpx.AsyncClient) -> None:
    extensions = persisted(digest(QUERY))
    missed = await post(client, extensions=extensions)
    assert code(missed) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert missed.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert (await post(client, query=QUERY, extensions=extensions)).json()["data"] == FOUND
    assert (await post(client, extensions=extensions)).json()["data"] == FOUND
    assert (await post(client, documentId=f"sha256:{digest(QUERY)}")).json()["data"] == FOUND


async def test_the_same_goes_by_get(client: httpx.AsyncClient) -> None:
    extensions = persisted(digest(QUERY))
    assert code(await get(client, PROOF, extensions=extensions)) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert (await get(client, PROOF, query=QUERY, extensions=extensions)).json()["data"] == FOUND
    assert (await get(client, PROOF, extensions=extensions)).json()["data"] == FOUND


async def test_a_stored_document_may_be_asked_for_by_a_plain_link(client: httpx.AsyncClient) -> None:
    """Nobody can make it ask for anything else; a document in the URL stays refused, with its hash too."""
    extensions = persisted(digest(QUERY))
    assert code(await get(client, query=QUERY, extensions=extensions)) == (403, "CSRF_SUSPECTED")
    await post(client, query=QUERY, extensions=extensions)
    assert (await get(client, extensions=extensions)).json()["data"] == FOUND
    assert (await get(client, documentId=f"sha256:{digest(QUERY)}")).json()["data"] == FOUND


async def test_a_wrong_hash_is_refused_and_nothing_is_kept(client: httpx.AsyncClient) -> None:
    other = digest("{ __typename }")
    assert code(await post(client, query=QUERY, extensions=persisted(other))) == (400, "PERSISTED_QUERY_MISMATCH")
    assert code(await post(client, extensions=persisted(other))) == (200, "PERSISTED_QUERY_NOT_FOUND")


async def test_an_invalid_document_is_not_kept(client: httpx.AsyncClient) -> None:
    for broken in ("{ nonsense }", "{", "{ a" * 500):
        extensions = persisted(digest(broken))
        await client.post("/graphql", json={"query": broken, "extensions": extensions})
        missed = await client.post("/graphql", json={"extensions": extensions})
        assert code(missed) == (200, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize("document_id", ["", "sha256:", "sha256:" + "0" * 64, "../../etc/passwd", "x" * 10_000])
async def test_an_unknown_id_is_refused(client: httpx.AsyncClient, document_id: str) -> None:
    assert code(await post(client, documentId=document_id)) == (400, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize(
    "value",
    [
        True,
        {},
        [],
        {"version": 2, "sha256Hash": "0" * 64},
        {"version": 1},
        {"version": 1, "sha256Hash": 7},
        {"version": 1, "sha256Hash": "0" * 63},
        {"version": 1, "sha256Hash": "A" * 64},
        {"version": [], "sha256Hash": "0" * 64},
    ],
)
async def test_a_hash_that_is_none_is_refused(client: httpx.AsyncClient, value: Any) -> None:
    assert code(await post(client, query=QUERY, extensions={"persistedQuery": value})) == (400, "BAD_REQUEST")


async def test_an_id_stands_for_the_document_alone(client: httpx.AsyncClient) -> None:
    named = f"sha256:{digest(QUERY)}"
    assert code(await post(client, query=QUERY, documentId=named)) == (400, "BAD_REQUEST")
    assert code(await post(client, documentId=named, extensions=persisted(digest(QUERY)))) == (400, "BAD_REQUEST")


async def test_a_document_whose_answer_is_kept_already_is_stored_as_well(client: httpx.AsyncClient) -> None:
    """Else its client would send it along for ever."""
    query = "{ user(by: { id: 787132 }) { username } }"
    extensions = persisted(digest(query))
    for body in ({"query": query}, {"query": query}, {"query": query, "extensions": extensions}):
        assert (await client.post("/graphql", json=body)).json()["data"] == {"user": {"username": "natgeo"}}
    again = await client.post("/graphql", json={"extensions": extensions})
    assert again.json()["data"] == {"user": {"username": "natgeo"}}

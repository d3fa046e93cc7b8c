"""GraphQL over HTTP, request by request: what is refused, how, and that it is always JSON."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway.http.request_parsing import CSRF_HEADERS, LARGEST_BODY
from tests.fakes.gateway import RunningGateway, details

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
PROOF = {CSRF_HEADERS[0]: "1"}


async def post(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/graphql", content=body, headers={"content-type": JSON, **named})


def code(response: httpx.Response) -> str:
    """Of a refusal: one error, no data."""
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        ("APPLICATION/JSON ; Q=0.3", JSON),
        (f"text/html, {GRAPHQL};q=nonsense, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_is_what_the_client_prefers(
    client: httpx.AsyncClient, accept: str | None, answered: str
) -> None:
    del client.headers["accept"]
    response = await client.post("/graphql", json=TYPENAME, headers={} if accept is None else {"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.json()["data"] == {"__typename": "Query"}
    assert "accept" in response.headers["vary"].lower()


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{JSON};q=0", "text/event-stream;q=0"])
async def test_what_cannot_be_given_is_not_acceptable(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.post("/graphql", json=TYPENAME, headers={"accept": accept})
    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")
    assert response.headers["content-type"].startswith(JSON)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "; it is empty."),
        (b'\xef\xbb\xbf{"query": "{ __typename }"}', " without a byte order mark."),
        (b'{"query": "\xff"}', "; it is not UTF-8."),
        (b'{"query": "x", "variables": {"t": "Reef \\ud83d"}}', "; half of a surrogate pair is not a character."),
        (
            b'{"query": "x", "variables": {"t": "\\udc00 \\ud83d\\ude00"}}',
            "; half of a surrogate pair is not a character.",
        ),
        (b'{"query": "x", "variables": {"f": 1e999}}', "; it contains a number that is out of range."),
        (b'{"query": "x",}', "; trailing comma in object (byte 14)."),
        (b'{"query": "\\ud83d\\ude00"', "; Input data was truncated."),
    ],
)
async def test_what_is_no_json_is_told_the_reason(client: httpx.AsyncClient, body: bytes, reason: str) -> None:
    response = await post(client, body)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert response.json()["errors"][0]["message"] == "The body must be JSON in UTF-8" + reason


@pytest.mark.parametrize(
    "body",
    [
        b"1",
        b"null",
        b'"x"',
        b"true",
        b"[1]",
        b"[]",
        b"",
        b"{",
        b'{"query": "{ __type',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ __typename }", "variables": {"a": 1e999}}',
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5_000 + b"}}",
        b"[" * 100_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}",
        b"\xef\xbb\xbf{}",
        b"\x00" * 100,
        b"query={__typename}",
    ],
)
async def test_a_body_that_is_no_request_is_the_clients_mistake(client: httpx.AsyncClient, body: bytes) -> None:
    response = await post(client, body)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions", "documentId"])
@pytest.mark.parametrize("value", [1, True, ["a"], 1.5])
async def test_a_member_of_the_wrong_type_is_named(client: httpx.AsyncClient, name: str, value: Any) -> None:
    response = await client.post("/graphql", json={**TYPENAME, name: value})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert f"`{name}`" in response.json()["errors"][0]["message"]


async def test_null_members_and_unknown_ones_are_ignored(client: httpx.AsyncClient) -> None:
    body = {**TYPENAME, "operationName": None, "variables": None, "extensions": None, "documentId": None, "id": 7}
    assert (await client.post("/graphql", json=body)).json()["data"] == {"__typename": "Query"}


async def test_of_doubled_members_the_last_holds(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"query": "{ nonsense }", "query": "{ __typename }"}')
    assert response.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonx",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
    ],
)
async def test_other_media_types_are_unsupported(client: httpx.AsyncClient, content_type: str) -> None:
    response = await post(client, json.dumps(TYPENAME).encode(), content_type=content_type)
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_compressed_body_is_unsupported(client: httpx.AsyncClient) -> None:
    """A small one could unpack to a large one."""
    response = await post(client, b"", content_encoding="gzip")
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'application/json;charset="utf-8"'])
async def test_utf_8_may_be_named(client: httpx.AsyncClient, content_type: str) -> None:
    assert (await post(client, json.dumps(TYPENAME).encode(), content_type=content_type)).status_code == 200


@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_more_values_than_any_operation_has_are_refused_before_they_are_read(
    client: httpx.AsyncClient, media: str
) -> None:
    body = b'{"query": "{ __typename }", "variables": {"a": [' + b",".join([b"[]"] * 100_000) + b"]}}"
    response = await post(client, body, accept=media)
    (error,) = response.json()["errors"]
    extensions = {"code": "OPERATION_TOO_COMPLEX", "limit": "values", "most": 100_000, "value": 200_005}
    assert details(error) == extensions
    assert response.status_code == (200 if media == "application/json" else 400)
    few = b'{"query": "{ __typename }", "variables": {"a": [' + b",".join([b"[]"] * 45_000) + b"]}}"
    assert (await post(client, few, accept=media)).json()["data"] == {"__typename": "Query"}


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(client: httpx.AsyncClient) -> None:
    response = await post(client, b" " * (LARGEST_BODY + 1))
    assert (response.status_code, code(response)) == (413, "BODY_TOO_LARGE")


async def test_a_body_over_the_limit_is_refused_when_no_length_is_announced(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        for _ in range(3):
            yield b" " * (LARGEST_BODY // 2)

    response = await client.post("/graphql", content=chunks(), headers={"content-type": JSON})
    assert (response.status_code, code(response)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
async def test_other_methods_are_told_which_would_do(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_names_the_methods(client: httpx.AsyncClient) -> None:
    response = await client.options("/graphql")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_query_by_get_is_answered(client: httpx.AsyncClient) -> None:
    params = {"query": "query A($n: String!) { __type(name: $n) { name } }", "variables": '{"n": "User"}'}
    response = await client.get("/graphql", params={**params, "operationName": "A"}, headers=PROOF)
    assert response.json()["data"] == {"__type": {"name": "User"}}


@pytest.mark.parametrize("number", ["9" * 401, "0." + "9" * 401, "1e" + "0" * 401])
async def test_a_number_of_too_many_digits_is_none(client: httpx.AsyncClient, number: str) -> None:
    """To read one of thousands, and to write it again, takes the square of them."""
    url = f'/graphql?query={{__typename}}&variables={{"n":{number}}}'
    answers = [
        await post(client, f'{{"query": "{{ __typename }}", "variables": {{"n": {number}}}}}'.encode()),
        await client.get(url, headers=PROOF),
    ]
    assert [(answer.status_code, code(answer)) for answer in answers] == [(400, "BAD_REQUEST")] * 2
    few = await post(client, b'{"query": "{ __typename }", "variables": {"n": ' + b"9" * 400 + b"}}")
    assert few.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_mutation_by_get_is_not_allowed(client: httpx.AsyncClient, accept: str) -> None:
    headers = {**PROOF, "accept": accept}
    response = await client.get("/graphql", params={"query": "mutation { __typename }"}, headers=headers)
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"query": "{ __typename }", "variables": "[1]"}, "variables"),
        ({"query": "{ __typename }", "variables": "{"}, "variables"),
        ({"query": "{ __typename }", "extensions": '"a"'}, "extensions"),
        ([("query", "{ __typename }"), ("query", "{ other }")], "query"),
    ],
)
async def test_a_query_string_that_is_no_request_is_refused(client: httpx.AsyncClient, params: Any, named: str) -> None:
    response = await client.get("/graphql", params=params, headers=PROOF)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert f"`{named}`" in response.json()["errors"][0]["message"]


async def test_head_has_the_headers_of_get_and_no_body(client: httpx.AsyncClient) -> None:
    got = await client.get("/graphql", params=TYPENAME, headers=PROOF)
    head = await client.head("/graphql", params=TYPENAME, headers=PROOF)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_a_browser_is_shown_the_explorer(client: httpx.AsyncClient) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for params in ({}, TYPENAME):
        page = await client.get("/graphql", params=params, headers={"accept": browser})
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "Accept" in page.headers["vary"]


async def test_a_request_without_a_document_is_refused(client: httpx.AsyncClient) -> None:
    for response in (await client.post("/graphql", json={}), await client.get("/graphql")):
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": GRAPHQL},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"authorization": "Basic abc"},
        {"sec-fetch-mode": "cors"},
        {"accept-language": "en"},
    ],
)
async def test_what_any_page_can_make_a_browser_send_runs_nothing(
    gateway: RunningGateway, headers: dict[str, str]
) -> None:
    """A query costs money: these are sent across sites without a preflight. By POST they have the wrong media type."""
    query = {"query": "{ user(by: { id: 787132 }) { username } }"}
    response = await gateway.client.get("/graphql", params=query, headers=headers)
    assert (response.status_code, code(response)) == (403, "CSRF_SUSPECTED")
    assert gateway.billed == 0


@pytest.mark.parametrize("header", [*CSRF_HEADERS, "authorization", "content-type"])
async def test_a_header_that_needs_a_preflight_is_proof_enough(client: httpx.AsyncClient, header: str) -> None:
    value = {"authorization": "Bearer hg_1", "content-type": JSON}.get(header, "1")
    response = await client.get("/graphql", params=TYPENAME, headers={header: value})
    assert response.json()["data"] == {"__typename": "Query"}


async def test_no_cache_but_the_clients_own_keeps_an_answer(client: httpx.AsyncClient) -> None:
    kept = await client.get("/graphql", params=TYPENAME, headers=PROOF)
    assert kept.headers["cache-control"].startswith("private, max-age=")
    broken = await client.get("/graphql", params={"query": "{ nonsense }"}, headers=PROOF)
    for response in (broken, await client.post("/graphql", json=TYPENAME)):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_large_answers_are_compressed_where_the_client_can_read_it(client: httpx.AsyncClient) -> None:
    query = {"query": "{ __schema { types { name description fields { name description } } } }"}
    plain = await client.post("/graphql", json=query, headers={"accept-encoding": "identity"})
    packed = await client.post("/graphql", json=query, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert {"accept", "accept-encoding"} <= {name.strip().lower() for name in packed.headers["vary"].split(",")}

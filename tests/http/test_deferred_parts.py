"""`@defer` and `@stream`, as multipart answers: parts in order, errors masked, the bill at the end."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway.sandbox.faults import Status
from tests.fakes.gateway import RunningGateway

MULTIPART = {"accept": "multipart/mixed, application/json"}
TRAY = """
query Tray($slowly: Boolean = true) {
  user(by: { id: 787132 }) {
    username
    ... @defer(if: $slowly, label: "tray") { highlights(first: 1) { nodes { title } } }
  }
}
"""


async def ask(gateway: RunningGateway, query: str, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return await gateway.client.post("/graphql", json=body, headers=MULTIPART)


def parts(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"].startswith('multipart/mixed; boundary="-"')
    opening, *framed, closing = response.content.split(b"\r\n---")
    assert (opening, closing) == (b"", b"--\r\n")
    bodies = [piece.split(b"\r\n\r\n", 1) for piece in framed]
    assert all(head == b"\r\ncontent-type: application/json; charset=utf-8" for head, _ in bodies)
    return [json.loads(body) for _, body in bodies]


async def test_what_is_deferred_comes_in_a_part_of_its_own_and_is_bought_for_it(gateway: RunningGateway) -> None:
    first, *later = parts(await ask(gateway, TRAY))
    assert first["data"] == {"user": {"username": "natgeo"}}
    assert first["pending"] == [{"id": "0", "path": ["user"], "label": "tray"}]
    assert first["extensions"]["billing"]["charged"] == 1
    patches = [patch for part in later for patch in part.get("incremental", ())]
    assert patches == [{"id": "0", "data": {"highlights": {"nodes": [{"title": "Gift Guide"}]}}}]
    assert [part["hasNext"] for part in (first, *later)][-1] is False
    assert all(part["hasNext"] for part in (first, *later[:-1]))
    assert later[-1]["extensions"]["billing"]["charged"] == gateway.billed == 3


@pytest.mark.parametrize(
    ("root", "charged"),
    [
        ("highlight(by: { id: $id }) { title }", 1),
        ("highlights(ids: [$id]) { title }", 1),
        ("highlights(ids: [$id]) @stream { title }", 1),
        ('_entities(representations: [{__typename: "Highlight", id: $id}]) { ... on Highlight { title } }', 1),
        ('_entities(representations: [{__typename: "User", id: "787132"}]) { ... on User { username } }', 1),
    ],
)
async def test_a_root_that_is_deferred_as_a_whole_is_answered(gateway: RunningGateway, root: str, charged: int) -> None:
    query = f"{{ __typename ... @defer {{ {root} }} }}".replace("$id", '"17983616051768088"')
    first, *later = parts(await ask(gateway, query))
    assert first["data"] == {"__typename": "Query"}
    assert not [patch for part in later for patch in part.get("incremental", ()) if "errors" in patch]
    assert later[-1]["extensions"]["billing"]["charged"] == gateway.billed == charged


async def test_a_list_is_streamed(gateway: RunningGateway) -> None:
    query = "{ user(by: { id: 787132 }) { highlights { nodes @stream(initialCount: 1) { title } } } }"
    first, *later = parts(await ask(gateway, query))
    assert first["data"]["user"]["highlights"]["nodes"] == [{"title": "Gift Guide"}]
    streamed = [item for part in later for patch in part.get("incremental", ()) for item in patch["items"]]
    assert streamed == [{"title": "BOTW 2026"}, {"title": "Limitless"}]


async def test_an_error_in_a_deferred_part_is_told_there_with_its_code(gateway: RunningGateway) -> None:
    gateway.sandbox.faults.lay(Status(status=403, endpoint="/v1/user/highlights"))
    _, *later = parts(await ask(gateway, TRAY))
    (patch,) = [patch for part in later for patch in part.get("incremental", ())]
    assert patch["data"] == {"highlights": None}
    (error,) = patch["errors"]
    assert error["path"] == ["user", "highlights"]
    assert error["extensions"]["code"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*"])
async def test_parts_need_a_client_that_says_it_can_read_them(gateway: RunningGateway, accept: str) -> None:
    response = await gateway.client.post("/graphql", json={"query": TRAY}, headers={"accept": accept})
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert gateway.billed == 0


async def test_switched_off_it_is_an_answer_like_any_other(gateway: RunningGateway) -> None:
    for headers in ({"accept": "application/json"}, MULTIPART):
        body = {"query": TRAY, "variables": {"slowly": False}}
        response = await gateway.client.post("/graphql", json=body, headers=headers)
        assert response.headers["content-type"].startswith("application/json")
        assert response.json()["data"]["user"]["highlights"]["nodes"] == [{"title": "Gift Guide"}]


async def test_a_client_that_reads_nothing_but_parts_gets_one(gateway: RunningGateway) -> None:
    body = {"query": "{ __typename }"}
    response = await gateway.client.post("/graphql", json=body, headers={"accept": "multipart/mixed"})
    (only,) = parts(response)
    assert response.headers["content-type"] == 'multipart/mixed; boundary="-"'
    assert only["data"] == {"__typename": "Query"}


async def test_white_space_does_not_hide_a_directive(gateway: RunningGateway) -> None:
    query = "{ user(by: { id: 787132 }) { ... @ # here\n defer { username } } }"
    assert (await gateway.query(query)).status == 406

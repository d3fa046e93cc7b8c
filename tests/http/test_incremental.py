"""The forms of an answer in parts: the client names one, gets it, and reads in the content type which it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from gateway.http.transports.incremental import ByPath
from gateway.sandbox.faults import Status
from tests.fakes.gateway import RunningGateway

V0_1, V0_2 = "deferSpec=20220824", "incrementalSpec=v0.2"
APOLLO_3 = f"multipart/mixed;{V0_1},application/json"
APOLLO_4 = f"multipart/mixed;{V0_2},application/graphql-response+json,application/json;q=0.9"
KOTLIN = f"multipart/mixed;{V0_1}, application/graphql-response+json, application/json"
TRAY = """
query Tray($on: Boolean! = true) {
  user(by: { id: 787132 }) {
    username
    ... @defer(if: $on, label: "tray") { highlights(first: 1) { nodes { title } } }
  }
}
"""
NESTED = """
query Nested($on: Boolean! = true) {
  user(by: { id: 787132 }) {
    id
    ... @defer(if: $on, label: "a") {
      biography
      highlights { nodes { id ... @defer(if: $on, label: "b") { title cover { url } } } totalCount }
    }
    ... @defer(if: $on, label: "c") { biography username ... @defer(if: $on, label: "d") { fullName } }
  }
}
"""
STREAMED = """
query Streamed($on: Boolean! = true) {
  user(by: { id: 787132 }) {
    ... @defer(if: $on, label: "a") {
      highlights { nodes @stream(if: $on, initialCount: 1) { id ... @defer(if: $on) { title } } }
    }
  }
}
"""
SHARED = """
query Shared($on: Boolean! = true) {
  user(by: { id: 787132 }) {
    id
    ... @defer(if: $on, label: "a") { highlights { totalCount nodes { id } } }
    ... @defer(if: $on, label: "b") { highlights { totalCount nodes { id title } } }
    ... @defer(if: $on) { highlights { totalCount } }
  }
}
"""


async def ask(gateway: RunningGateway, accept: str, query: str = TRAY, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return await gateway.client.post("/graphql", json=body, headers={"accept": accept})


def parts(response: httpx.Response, boundary: str = "-") -> list[dict[str, Any]]:
    opening, *framed, closing = response.content.split(f"\r\n--{boundary}".encode())
    assert (opening, closing) == (b"", b"--\r\n")
    return [json.loads(piece.split(b"\r\n\r\n", 1)[1]) for piece in framed]


def merged(payloads: Sequence[dict[str, Any]]) -> Any:
    """The data as clients of v0.1 put them together: by path, objects into objects, items into lists."""
    data = copy.deepcopy(payloads[0]["data"])
    for entry in (entry for payload in payloads[1:] for entry in payload.get("incremental", ())):
        target = data
        *steps, last = entry["path"] if "items" in entry else [*entry["path"], None]
        for step in steps:
            target = target[step]
        if "items" in entry:
            assert last == len(target)
            target += entry["items"]
        else:
            merge(target, entry["data"])
    return data


def merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    for name, value in source.items():
        known = target.get(name)
        if isinstance(known, list):
            assert len(known) == len(value)
            for one, other in zip(known, value, strict=True):
                merge(one, other)
        elif isinstance(known, dict):
            merge(known, value)
        else:
            target[name] = value


@pytest.mark.parametrize("accept", [APOLLO_3, KOTLIN, 'multipart/mixed; DeferSpec="20220824"; q=0.5'])
async def test_a_client_of_the_older_form_gets_it_and_is_told_so(gateway: RunningGateway, accept: str) -> None:
    response = await ask(gateway, accept)
    assert response.headers["content-type"] == f'multipart/mixed; boundary="-"; {V0_1}'
    first, *later = parts(response)
    assert first["data"] == {"user": {"username": "natgeo"}}
    assert (first["hasNext"], "pending" in first) == (True, False)
    (entry,) = [entry for part in later for entry in part.get("incremental", ())]
    data = {"highlights": {"nodes": [{"title": "Gift Guide"}]}}
    assert entry == {"path": ["user"], "label": "tray", "data": data}
    assert later[-1]["hasNext"] is False
    assert later[-1]["extensions"]["billing"]["charged"] == gateway.billed == 3


@pytest.mark.parametrize(
    ("accept", "named", "announces"),
    [
        ("multipart/mixed", V0_2, True),
        (APOLLO_4, V0_2, True),
        ("multipart/mixed;incrementalDeliverySpec=3283f8a", "incrementalDeliverySpec=3283f8a", True),
        ("multipart/mixed;incrementalSpec=v0.1", "incrementalSpec=v0.1", False),
        (f"multipart/mixed, multipart/mixed;{V0_1}", V0_1, False),
        (f"multipart/mixed;{V0_1}, multipart/mixed;{V0_2}", V0_2, True),
        (f"multipart/mixed;{V0_1}, multipart/mixed;{V0_2};q=0.9", V0_1, False),
        (f"multipart/mixed, multipart/mixed;{V0_2};q=0", "incrementalSpec=v0.1", False),
        (f"multipart/mixed;deferSpec=20990101, multipart/mixed;{V0_1};q=0.1", V0_1, False),
    ],
)
async def test_the_content_type_names_the_form_that_the_client_prefers(
    gateway: RunningGateway, accept: str, named: str, announces: bool
) -> None:
    response = await ask(gateway, accept)
    assert response.headers["content-type"] == f'multipart/mixed; boundary="-"; {named}'
    first, *_ = parts(response)
    assert ("pending" in first) is announces


@pytest.mark.parametrize("form", [V0_1, V0_2])
async def test_events_have_the_named_form_too(gateway: RunningGateway, form: str) -> None:
    response = await ask(gateway, f"text/event-stream;{form}, multipart/mixed;q=0.5")
    assert response.headers["content-type"] == f"text/event-stream; charset=utf-8; {form}"
    assert (b'"pending"' in response.content) is (form == V0_2)


@pytest.mark.parametrize("boundary", ["graphql", "a-b", "a,b;c"])
async def test_the_boundary_that_a_client_names_is_used(gateway: RunningGateway, boundary: str) -> None:
    accept = f'multipart/mixed;boundary="{boundary}";{V0_1}'
    if ";" in boundary:  # no boundary by RFC 2046
        assert (await ask(gateway, accept)).status_code == 406
        return
    response = await ask(gateway, accept)
    assert response.headers["content-type"] == f'multipart/mixed; boundary="{boundary}"; {V0_1}'
    assert merged(parts(response, boundary))["user"]["highlights"]


UNSPOKEN = [
    "multipart/mixed;deferSpec=20990101",
    "multipart/mixed;deferSpec",
    "multipart/mixed;incrementalSpec=v9",
    f"multipart/mixed;{V0_1};{V0_2}",
    f"multipart/mixed;{V0_1};deferSpec=1",
    f"multipart/mixed;{V0_1};charset=utf-16",
    f"multipart/mixed;{V0_1};q=0",
    'multipart/mixed;boundary=""',
    f"multipart/mixed;boundary={'x' * 71}",
    "multipart/mixed;something=else",
    "text/event-stream;deferSpec=20990101",
    f"*/*;{V0_1}",
]


@pytest.mark.parametrize("accept", UNSPOKEN)
async def test_a_form_that_is_not_spoken_is_refused_before_anything_is_bought(
    gateway: RunningGateway, accept: str
) -> None:
    for alternative in ("", ", application/json"):
        response = await ask(gateway, accept + alternative)
        assert response.status_code == 406
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "NOT_ACCEPTABLE"
        assert V0_1 in error["message"]
    assert gateway.billed == 0


@pytest.mark.parametrize("accept", UNSPOKEN)
async def test_what_is_no_answer_in_parts_needs_no_form_of_one(gateway: RunningGateway, accept: str) -> None:
    response = await ask(gateway, f"{accept}, application/json;q=0.1", on=False)
    assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("parameter", ["charset=utf-16", "profile=x", f"{V0_1}", "version=2"])
async def test_no_other_parameter_of_json_is_passed_over(gateway: RunningGateway, parameter: str) -> None:
    refused = await ask(gateway, f"application/json;{parameter}", "{ __typename }")
    assert refused.status_code == 406
    for accept in ("application/json;charset=utf-8", 'application/json; charset="UTF-8"', f"a/b;{parameter}, */*"):
        assert (await ask(gateway, accept, "{ __typename }")).status_code == 200


async def test_a_client_that_reads_nothing_but_subscriptions_gets_what_is_single_as_one_of_their_parts(
    gateway: RunningGateway,
) -> None:
    response = await ask(gateway, 'multipart/mixed;subscriptionSpec="1.0"', "{ __typename }")
    assert response.headers["content-type"] == 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"'
    (part,) = parts(response, "graphql")
    assert part["payload"]["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("number", ["commentCount", "comments { totalCount }"])
async def test_what_is_deferred_of_posts_whose_comments_are_counted_is_read_from_them(
    gateway: RunningGateway, number: str
) -> None:
    keys = '[{ id: "3829449844045389376" }, { code: "DVuN_T4AB5l" }]'
    payloads = parts(
        await ask(gateway, APOLLO_3, f"{{ medias(by: {keys}) {{ {number} ... @defer {{ playCount }} }} }}")
    )
    assert [payload.get("errors") for payload in payloads] == [None] * len(payloads)
    assert [post["playCount"] for post in merged(payloads)["medias"]] == [None, 2_257_183]
    assert payloads[-1]["extensions"]["billing"]["charged"] == gateway.billed == 3


@pytest.mark.parametrize("query", [TRAY, NESTED, STREAMED, SHARED])
async def test_both_forms_hold_what_the_answer_holds_in_one_piece(gateway: RunningGateway, query: str) -> None:
    """And each labelled fragment is told complete once."""
    whole = (await ask(gateway, "application/json", query, on=False)).json()
    payloads = parts(await ask(gateway, APOLLO_3, query))
    assert merged(payloads) == whole["data"]
    assert not [payload for payload in payloads if payload.keys() & {"pending", "completed"}]
    entries = [entry for payload in payloads for entry in payload.get("incremental", ())]
    labels = {(*entry["path"], entry["label"]) for entry in entries if "label" in entry}
    newest = parts(await ask(gateway, APOLLO_4, query))
    announced = [one for payload in newest for one in payload.get("pending", ())]
    assert labels == {(*one["path"], one["label"]) for one in announced if "label" in one}


async def test_a_client_that_reads_parts_of_subscriptions_alone_reads_no_others(gateway: RunningGateway) -> None:
    for accept in ("multipart/mixed;subscriptionSpec=1.0", "multipart/mixed;subscriptionSpec=1.0, application/json"):
        assert (await ask(gateway, accept)).status_code == 406
    assert gateway.billed == 0


async def test_an_error_in_a_part_keeps_its_path_and_code(gateway: RunningGateway) -> None:
    gateway.sandbox.faults.lay(Status(status=403, endpoint="/v1/user/highlights"))
    _, *later = parts(await ask(gateway, APOLLO_3))
    (entry,) = [entry for part in later for entry in part.get("incremental", ())]
    assert entry["data"] == {"highlights": None}
    assert entry["errors"][0]["path"] == ["user", "highlights"]
    assert entry["errors"][0]["extensions"]["code"]


ERRORS = [{"message": "no", "path": ["a"]}]


def test_a_fragment_that_failed_has_no_data_and_its_errors() -> None:
    forms = ByPath()
    forms.payload({"data": {"a": {}}, "pending": [{"id": "0", "path": ["a"], "label": "x"}], "hasNext": True})
    failed = forms.payload({"completed": [{"id": "0", "errors": ERRORS}], "hasNext": False, "extensions": {}})
    entry = {"path": ["a"], "label": "x", "data": None, "errors": ERRORS}
    assert failed == {"incremental": [entry], "hasNext": False, "extensions": {}}


def test_a_list_that_failed_says_where_it_broke_off() -> None:
    forms = ByPath()
    forms.payload({"data": {"a": [1]}, "pending": [{"id": "0", "path": ["a"]}], "hasNext": True})
    more = forms.payload({"incremental": [{"id": "0", "items": [2, 3]}], "hasNext": True})
    assert more["incremental"] == [{"path": ["a", 1], "items": [2, 3]}]
    failed = forms.payload({"completed": [{"id": "0", "errors": ERRORS}], "hasNext": False})
    assert failed["incremental"] == [{"path": ["a", 3], "items": None, "errors": ERRORS}]


def test_a_fragment_whose_data_came_with_others_is_complete_all_the_same() -> None:
    forms = ByPath()
    pending = [{"id": "0", "path": [], "label": "x"}, {"id": "1", "path": ["a"], "label": "y"}]
    forms.payload({"data": {"a": {}}, "pending": pending, "hasNext": True})
    both = {"incremental": [{"id": "1", "data": {"b": 1}}], "completed": [{"id": "0"}], "hasNext": True}
    assert forms.payload(both)["incremental"] == [
        {"path": ["a"], "data": {"b": 1}},
        {"path": [], "label": "x", "data": {}},
    ]
    last = forms.payload({"completed": [{"id": "1"}], "hasNext": False})
    assert last["incremental"] == [{"path": ["a"], "label": "y", "data": {}}]

"""`setLike` through the whole gateway."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.composition import publishing
from gateway.composition.publisher import connected_publisher
from gateway.sandbox.faults import Status
from gateway.sandbox.fixture_users import NATGEO_PK
from gateway.settings import Settings
from tests.fakes.gateway import Answer, FlowingClock, RunningGateway, Terms, running_gateway
from tests.operations.test_writes import ORDER, operation

ACCOUNT = str(NATGEO_PK)
MEDIA = "3286412355219875123"
CLIENTS = {
    "fan": Terms(rights=("read", "interact")),
    "studio": Terms(rights=("read", "write")),
    "reader": Terms(),
    "elsewhere": Terms(rights=("read", "interact"), accounts=("1",)),
}
CREATE = "mutation($input: CreateHighlightInput!) { createHighlight(input: $input) { flow { state } } }"


@pytest.fixture(params=["platform", "aiograpi"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    settings = dataclasses.replace(Settings(), platform_dialect=request.param)
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), clients=CLIENTS) as gateway:
        await gateway.knows_its_accounts("studio")
        gateway.at_once()
        yield gateway


async def set_like(gateway: RunningGateway, *, client: str = "fan", id: str = MEDIA, liked: bool = True) -> Answer:
    variables = {"account": ACCOUNT, "id": id, "liked": liked}
    return await gateway.query(operation("set_like"), variables, client=client)


def problems(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.data["setLike"]["userErrors"]
    return [{"field": error["field"], "code": error["code"]} for error in found]


def liked(gateway: RunningGateway) -> list[tuple[int, int]]:
    return list(gateway.sandbox.publishing.likes.all)


async def test_a_like_is_set_read_as_a_flow_and_withdrawn_and_costs_nothing(gateway: RunningGateway) -> None:
    answer = await set_like(gateway)
    assert (answer.errors, answer.charged, problems(answer)) == ([], 0, [])
    assert answer.data["setLike"]["mediaId"] == MEDIA
    assert answer.data["setLike"]["flow"]["state"] == "DONE"
    assert liked(gateway) == [(NATGEO_PK, int(MEDIA))]
    flows = "{ flows { nodes { kind state progress highlight { id } steps { name } error { code } } } }"
    (flow,) = (await gateway.query(flows, client="fan")).data["flows"]["nodes"]
    assert flow == {
        "kind": "SET_LIKE",
        "state": "DONE",
        "progress": 1.0,
        "highlight": None,
        "steps": [{"name": "set"}],
        "error": None,
    }
    await set_like(gateway)
    await set_like(gateway, id=f"media:{MEDIA}", liked=False)
    assert liked(gateway) == []


@pytest.mark.parametrize("form", ["{}", "media:{}", "{}_787132"])
async def test_a_like_forgets_the_post_and_nothing_else(gateway: RunningGateway, form: str) -> None:
    pk = "3485500046559288896"
    post = f'{{ media(by: {{ id: "{pk}" }}) {{ likeCount }} }}'
    tray = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'
    for question in (post, tray):
        await gateway.query(question, client="fan")
    assert (await gateway.query(post, client="fan")).charged == 0
    await set_like(gateway, id=form.format(pk))
    assert (await gateway.query(post, client="fan")).charged == 1
    assert (await gateway.query(tray, client="fan")).charged == 0


async def test_a_failure_of_the_platform_is_settled_by_repeating(gateway: RunningGateway) -> None:
    """The first attempt has its effect, and nobody says so."""
    gateway.sandbox.faults.lay(Status(endpoint="POST *like*", status=503, when="after", times=1))
    answer = await set_like(gateway)
    assert answer.data["setLike"]["flow"]["state"] == "DONE"
    assert liked(gateway) == [(NATGEO_PK, int(MEDIA))]


async def test_it_needs_the_right_to_interact_and_no_other(gateway: RunningGateway) -> None:
    for client in ("studio", "reader"):
        refused = await set_like(gateway, client=client)
        assert (refused.status, refused.errors) == (403, [("", "FORBIDDEN")])
    assert liked(gateway) == []
    refused = await gateway.query(CREATE, {"input": ORDER}, client="fan")
    assert (refused.status, refused.errors) == (403, [("", "FORBIDDEN")])
    assert gateway.published == []


async def test_a_field_in_a_fragment_needs_its_right_as_well(gateway: RunningGateway) -> None:
    document = """mutation($input: CreateHighlightInput!) { ...Made ... { __typename } }
    fragment Made on Mutation { ... @include(if: false) { createHighlight(input: $input) { flow { state } } } }"""
    refused = await gateway.query(document, {"input": ORDER}, client="fan")
    assert (refused.status, refused.errors) == (403, [("", "FORBIDDEN")])


async def test_whoever_interacts_controls_the_flows_of_that(gateway: RunningGateway) -> None:
    flow = (await set_like(gateway)).data["setLike"]["flow"]["id"]
    document = "mutation($id: ID!) { cancelFlow(id: $id) { flow { state } userErrors { code } } }"
    answer = await gateway.query(document, {"id": flow}, client="fan")
    assert answer.data["cancelFlow"] == {"flow": {"state": "DONE"}, "userErrors": []}


async def test_all_that_is_wrong_is_told_at_once_and_nothing_is_begun(gateway: RunningGateway) -> None:
    answer = await set_like(gateway, client="elsewhere", id="https://www.instagram.com/p/abc/")
    assert problems(answer) == [
        {"field": ["input", "account"], "code": "UNKNOWN_ACCOUNT"},
        {"field": ["input", "id"], "code": "INVALID"},
    ]
    assert answer.data["setLike"]["flow"] is None
    assert (await gateway.query("{ flows { nodes { id } } }", client="elsewhere")).data == {"flows": {"nodes": []}}


@pytest.mark.parametrize("dialect", ["platform", "aiograpi"])
async def test_a_dialect_without_likes_is_told_before_anything_begins(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_likes(*arguments: Any) -> Any:
        publisher: Any = connected_publisher(*arguments)
        publisher.__class__ = type("WithoutLikes", (type(publisher),), {"set_like": None})
        return publisher

    monkeypatch.setattr(publishing, "connected_publisher", without_likes)
    settings = dataclasses.replace(Settings(), platform_dialect=dialect)
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), clients=CLIENTS) as gateway:
        await gateway.knows_its_accounts("studio")
        answer = await set_like(gateway)
        assert problems(answer) == [{"field": ["input"], "code": "UNSUPPORTED_BY_PLATFORM"}]
        assert answer.data["setLike"]["flow"] is None
        assert (await gateway.query("{ flows { nodes { id } } }", client="fan")).data == {"flows": {"nodes": []}}
        assert gateway.sandbox.meter.calls["POST /platform/media/{id}/likes"] == 0

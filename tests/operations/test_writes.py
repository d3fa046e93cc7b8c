"""Writes through the whole gateway: what comes back, what is read afterwards, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.sandbox.faults import PlatformError, Processing, Status
from gateway.sandbox.fixture_users import NATGEO_PK
from tests.fakes.gateway import Answer, FlowingClock, RunningGateway, Terms, a_jpeg, running_gateway
from tests.meta.tree import ROOT

ACCOUNT = str(NATGEO_PK)
TRAY = '{ user(by: { id: "787132" }) { highlights { totalCount nodes { id title } } } }'
PICTURE = {"url": "https://images.example.com/reef.jpg"}
# The example operations that are run here; the others have scenarios.
OPERATIONS = frozenset(
    {
        *(
            "create_highlight",
            "update_highlight",
            "delete_highlight",
            "set_like",
            "my_accounts",
            "my_flows",
            "watch_flow",
        ),
        *("connect_account", "disconnect_account"),  # in tests/accounts
        "erase_user",  # in tests/erasure
    }
)
ORDER = {"account": ACCOUNT, "title": "Reef", "media": [PICTURE], "idempotencyKey": "reef-1"}
MADE = """mutation($input: CreateHighlightInput!) {
  createHighlight(input: $input) { highlight { items { nodes { id } } } }
}"""
RETRY = "mutation($id: ID!) { retryFlow(id: $id) { flow { state } userErrors { field code message } } }"
CLIENTS = {
    "writer": Terms(rights=("write",)),
    "web": Terms(),
    "studio": Terms(rights=("read", "write")),
    "other": Terms(rights=("read", "write")),
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        gateway.at_once()
        yield gateway


def operation(name: str) -> str:
    assert name in OPERATIONS
    return (ROOT / "queries" / f"{name}.graphql").read_text()


async def create(gateway: RunningGateway, key: str = "reef-1", title: str = "Reef", **more: Any) -> Answer:
    variables = {"account": ACCOUNT, "title": title, "media": [PICTURE], "idempotencyKey": key}
    return await gateway.query(operation("create_highlight"), variables | more)


async def test_one_request_makes_a_highlight_that_the_next_read_shows_first(gateway: RunningGateway) -> None:
    """The tray was in the cache: it is forgotten at once, and bought anew for 2."""
    before = await gateway.query(TRAY)
    assert (before.data["user"]["highlights"]["totalCount"], before.charged) == (3, 2)
    created = await create(gateway)
    payload = created.data["createHighlight"]
    assert payload["userErrors"] == []
    assert (payload["flow"]["state"], payload["flow"]["progress"]) == ("DONE", 1.0)
    assert (payload["highlight"]["title"], payload["highlight"]["mediaCount"]) == ("Reef", 1)
    assert created.charged == 1
    after = await gateway.query(TRAY)
    assert [node["title"] for node in after.data["user"]["highlights"]["nodes"]][:2] == ["Reef", "Gift Guide"]
    assert after.charged == 2


async def test_the_same_key_and_input_is_the_same_highlight_and_costs_nothing_more(gateway: RunningGateway) -> None:
    first, again = await create(gateway), await create(gateway)
    assert first.data["createHighlight"] == again.data["createHighlight"]
    assert (first.charged, again.charged) == (1, 0)
    assert len(gateway.published) == 1


async def test_the_same_key_with_other_input_is_refused(gateway: RunningGateway) -> None:
    await create(gateway)
    other = await create(gateway, title="Reefs")
    assert other.errors == [("createHighlight", "IDEMPOTENCY_KEY_REUSED")]
    assert len(gateway.published) == 1


async def test_all_that_is_wrong_is_told_at_once_and_nothing_is_begun(gateway: RunningGateway) -> None:
    media = [PICTURE, PICTURE, {"url": "http://images.example.com/reef.jpg"}]
    answer = await create(gateway, title=" ", media=media, account="1")
    errors = {".".join(error["field"]): error["code"] for error in answer.data["createHighlight"]["userErrors"]}
    assert errors == {
        "input.account": "UNKNOWN_ACCOUNT",
        "input.title": "REQUIRED",
        "input.media.1": "DUPLICATE",
        "input.media.2.url": "NOT_PUBLIC",
    }
    assert answer.data["createHighlight"]["flow"] is None
    assert gateway.published == []


async def test_a_title_and_an_item_are_changed_and_the_highlight_is_deleted(gateway: RunningGateway) -> None:
    made = (await create(gateway, media=[PICTURE, {"url": "https://images.example.com/two.jpg"}])).data
    id_ = made["createHighlight"]["highlight"]["id"]
    updated = await gateway.query(operation("update_highlight"), {"id": id_, "title": "Reefs"})
    assert updated.data["updateHighlight"]["highlight"] == {"id": id_, "title": "Reefs", "mediaCount": 2}
    deleted = await gateway.query(operation("delete_highlight"), {"id": id_})
    assert deleted.data["deleteHighlight"]["deletedId"] == id_
    titles = [node["title"] for node in (await gateway.query(TRAY)).data["user"]["highlights"]["nodes"]]
    assert titles[0] == "Gift Guide"
    again = await gateway.query(operation("delete_highlight"), {"id": id_})
    assert again.data["deleteHighlight"]["deletedId"] == id_


async def test_flows_are_listed_newest_first_and_paged(gateway: RunningGateway) -> None:
    ids = [(await create(gateway, key)).data["createHighlight"]["flow"]["id"] for key in ("one", "two", "three")]
    query = (
        "query($after: String) { flows(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    first = (await gateway.query(query)).data["flows"]
    assert [node["id"] for node in first["nodes"]] == ids[:0:-1]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await gateway.query(query, {"after": first["pageInfo"]["endCursor"]})).data["flows"]
    assert [node["id"] for node in rest["nodes"]] == ids[:1]
    assert not rest["pageInfo"]["hasNextPage"]


async def test_the_example_lists_flows_of_one_state(gateway: RunningGateway) -> None:
    await create(gateway)
    done = (await gateway.query(operation("my_flows"), {"state": "DONE"})).data["flows"]["nodes"]
    assert [(flow["kind"], flow["account"], flow["progress"]) for flow in done] == [("CREATE_HIGHLIGHT", ACCOUNT, 1.0)]
    assert (await gateway.query(operation("my_flows"), {"state": "FAILED"})).data["flows"]["nodes"] == []


async def test_a_flow_is_followed_step_by_step_until_it_ends(gateway: RunningGateway) -> None:
    """The mutation answers at once with the flow; its states come in their order, and the stream ends with it."""
    started = await gateway.query(
        "mutation($input: CreateHighlightInput!) { createHighlight(input: $input) { flow { id } highlight { id } } }",
        {"input": {"account": ACCOUNT, "title": "Reef", "media": [PICTURE], "idempotencyKey": "k", "waitSeconds": 0}},
    )
    assert started.data["createHighlight"]["highlight"] is None
    body = {"query": operation("watch_flow"), "variables": started.data["createHighlight"]["flow"]}
    response = await gateway.client.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    frames = [frame for frame in response.text.split("\n\n") if frame.startswith("event: next")]
    flows = [msgspec.json.decode(frame.partition("data: ")[2])["data"]["flow"] for frame in frames]
    states = list(dict.fromkeys(flow["state"] for flow in flows))
    order = ["RECEIVED", "UPLOADING", "PROCESSING", "PUBLISHING", "APPLYING", "DONE"]
    assert states == [state for state in order if state in states]
    assert states[-1] == "DONE"
    progress = [flow["progress"] for flow in flows]
    assert progress == sorted(progress)
    assert {step["state"] for step in flows[-1]["steps"]} == {"DONE"}


async def test_what_is_below_the_highlight_of_a_flow_is_bought_when_it_is_known_which_it_is(
    gateway: RunningGateway,
) -> None:
    id_ = (await create(gateway)).data["createHighlight"]["flow"]["id"]
    query = "query($id: ID!) { flow(id: $id) { highlight { title user { username } items { totalCount } } } }"
    answer = await gateway.query(query, {"id": id_})
    assert answer.errors == []
    assert answer.data["flow"]["highlight"] == {
        "title": "Reef",
        "user": {"username": "natgeo"},
        "items": {"totalCount": 1},
    }
    listed = await gateway.query("{ flows { nodes { highlight { items { totalCount } } } } }")
    assert listed.data["flows"]["nodes"] == [{"highlight": {"items": {"totalCount": 1}}}]


async def test_the_accounts_of_a_client_are_read_and_priced_like_users(gateway: RunningGateway) -> None:
    query = operation("my_accounts")
    price = await gateway.query(
        "query($document: String!) { price(document: $document) { lower upper } }", {"document": query}
    )
    answer = await gateway.query(query)
    (account,) = answer.data["accounts"]
    assert (account["id"], account["state"], account["user"]) == (ACCOUNT, "CONNECTED", {"username": "natgeo"})
    assert price.data["price"] == {"lower": answer.charged, "upper": answer.charged}


async def test_only_who_may_write_writes_and_nobody_sees_the_flows_of_another(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=FlowingClock(), clients=CLIENTS) as gateway:
        await gateway.knows_its_accounts("studio")
        gateway.at_once()
        variables = {"account": ACCOUNT, "title": "Reef", "media": [PICTURE], "idempotencyKey": "reef-1"}
        refused = await gateway.query(operation("create_highlight"), variables, client="web")
        assert (refused.status, refused.errors) == (403, [("", "FORBIDDEN")])
        assert (await gateway.query("{ accounts { id } }", client="web")).data == {"accounts": []}
        made = await gateway.query(operation("create_highlight"), variables, client="studio")
        id_ = made.data["createHighlight"]["flow"]["id"]
        flow = "query($id: ID!) { flow(id: $id) { state } flows { nodes { id } } }"
        own = await gateway.query(flow, {"id": id_}, client="studio")
        assert own.data == {"flow": {"state": "DONE"}, "flows": {"nodes": [{"id": id_}]}}
        foreign = await gateway.query(flow, {"id": id_}, client="other")
        assert foreign.data == {"flow": None, "flows": {"nodes": []}}


async def test_files_are_sent_along_and_nothing_of_them_stays(gateway: RunningGateway, tmp_path: Path) -> None:
    query = operation("create_highlight")
    variables = {"account": ACCOUNT, "title": "Sent", "media": [{"file": None}], "idempotencyKey": "sent-1"}
    operations = msgspec.json.encode({"query": query, "variables": variables}).decode()
    response = await gateway.client.post(
        "/graphql",
        data={"operations": operations, "map": '{"0": ["variables.media.0.file"]}'},
        files={"0": ("reef.jpg", a_jpeg(), "image/jpeg")},
        headers={"graphql-require-preflight": "1"},
    )
    answer = Answer(response.status_code, response.headers, response.json())
    gateway.reported += answer.charged
    assert answer.data["createHighlight"]["highlight"]["title"] == "Sent"
    assert [path for path in (tmp_path / "spool").iterdir() if path.stat().st_size > 0] == []


async def test_whose_account_it_is_may_not_be_known_yet(tmp_path: Path) -> None:
    """Right after a start: to call the account unknown would make the client give up what it may repeat."""
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        gateway.sandbox.faults.lay(Status(endpoint="GET /platform/users/self", status=503, when="before"))
        assert (await create(gateway)).errors == [("createHighlight", "UPSTREAM_UNAVAILABLE")]
        gateway.at_once()
        await gateway.knows_its_accounts()
        assert (await create(gateway)).data["createHighlight"]["flow"]["state"] == "DONE"


async def test_a_cover_of_its_own_that_fails_is_told_as_such(gateway: RunningGateway) -> None:
    """It has no position among the media. A story is not uploaded again, so the cover alone is refused."""
    made = await gateway.query(MADE, {"input": ORDER})
    story = made.data["createHighlight"]["highlight"]["items"]["nodes"][0]["id"]
    gateway.sandbox.faults.lay(Processing(seconds=0.0, code=36001))
    cover = {"url": "https://images.example.com/cover.jpg"}
    order = ORDER | {"media": [{"storyId": story}], "cover": cover, "idempotencyKey": "reef-2"}
    query = """mutation($input: CreateHighlightInput!) { createHighlight(input: $input) {
      flow { state error { code message medium } steps { name medium error { medium } } }
    } }"""
    answer = await gateway.query(query, {"input": order})
    assert answer.errors == []
    flow = answer.data["createHighlight"]["flow"]
    assert flow["error"] == {
        "code": "MEDIUM_REFUSED",
        "message": "Of the cover: The platform does not accept the format of the image.",
        "medium": None,
    }
    assert flow["steps"][-1] == {"name": "upload cover", "medium": None, "error": {"medium": None}}


async def test_a_flow_that_did_what_was_ordered_is_not_retried(gateway: RunningGateway) -> None:
    id_ = (await create(gateway)).data["createHighlight"]["flow"]["id"]
    answer = await gateway.query(RETRY, {"id": id_})
    assert answer.data["retryFlow"]["userErrors"] == [
        {"field": ["id"], "code": "BAD_USER_INPUT", "message": "This flow is done."}
    ]


async def test_a_highlight_that_is_not_there_is_named_by_the_error_of_its_change(gateway: RunningGateway) -> None:
    query = 'mutation($id: ID!) { updateHighlight(input: { id: $id, title: "x" }) { flow { error { code message } } } }'
    answer = await gateway.query(query, {"id": "17900000000000000"})
    assert answer.data["updateHighlight"]["flow"]["error"] == {
        "code": "NOT_FOUND",
        "message": "The platform does not know the highlight.",
    }


async def test_a_token_that_is_refused_from_the_start_is_told_to_who_writes(tmp_path: Path) -> None:
    """Not that the account is unknown, nor that it will be known soon."""
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        gateway.sandbox.faults.lay(PlatformError(code=190, endpoint="GET /platform/users/self"))
        early = [("createHighlight", "UPSTREAM_UNAVAILABLE")]
        while (errors := (await create(gateway)).errors) == early:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        assert errors == [("createHighlight", "ACCOUNT_DISCONNECTED")]


async def test_a_token_that_is_refused_is_refreshed_and_nobody_notices(gateway: RunningGateway) -> None:
    gateway.sandbox.faults.lay(PlatformError(code=190, subcode=463, endpoint="POST /platform/media/upload", times=1))
    answer = await create(gateway)
    assert answer.data["createHighlight"]["flow"]["state"] == "DONE"
    assert gateway.sandbox.meter.calls["GET /platform/refresh_access_token"] == 1


async def test_who_may_write_alone_reads_nothing_by_it(tmp_path: Path) -> None:
    """The highlight in a mutation's answer is bought and read like any other."""
    async with running_gateway(tmp_path, clock=FlowingClock(), clients=CLIENTS) as gateway:
        await gateway.knows_its_accounts("studio")
        gateway.at_once()
        variables = {"account": ACCOUNT, "title": "Reef", "media": [PICTURE], "idempotencyKey": "reef-1"}
        answer = await gateway.query(operation("create_highlight"), variables, client="writer")
        assert answer.errors == [("createHighlight.highlight", "FORBIDDEN")]
        assert answer.data["createHighlight"]["flow"]["state"] == "DONE"
        assert (answer.data["createHighlight"]["highlight"], answer.charged) == (None, 0)

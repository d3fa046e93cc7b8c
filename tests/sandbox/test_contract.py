from __future__ import annotations

import base64
import string
from datetime import datetime
from typing import TypeVar

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from gateway.sandbox import create_sandbox, fixture_users
from gateway.sandbox.entities import User
from gateway.sandbox.world import POPULATION
from tests.profiles import examples
from tests.sandbox import contract
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of, held

T = TypeVar("T")
users = st.integers(0, POPULATION - 1)
BIG = 2**53
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.fixture(scope="module")
def shared() -> Starlette:
    """One app for all examples: these tests only read."""
    return create_sandbox(clock=SteppedClock(), base_url=ORIGIN)


def read(response: httpx.Response, model: type[T]) -> T:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return msgspec.json.decode(response.content, type=model)


def read_list(response: httpx.Response, model: type[T], user: User) -> list[T]:
    """A list, or the refusal that the contract has in its place."""
    if response.status_code == 200:
        return read(response, list[model])  # type: ignore[valid-type]
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    expected = (403, "PrivateAccount") if user.is_private else (404, "NotFoundError")
    assert (response.status_code, error.exc_type) == expected
    return []


@given(users)
async def test_profiles_follow_the_contract_by_id_and_by_name(shared: Starlette, index: int) -> None:
    user = held(shared).world.user(index)
    async with client_of(shared) as client:
        by_id = read(await client.get("/v1/user/by/id", params={"id": user.pk}), contract.User)
        by_name = read(await client.get("/v1/user/by/username", params={"username": user.username}), contract.User)
    assert by_id == by_name
    assert (str(by_id.pk), by_id.username, by_id.is_private) == (str(user.pk), user.username, user.is_private)
    assert isinstance(by_id.pk, int) == user.integer_pk


@given(users)
async def test_trays_follow_the_contract_newest_first(shared: Starlette, index: int) -> None:
    user = held(shared).world.user(index)
    async with client_of(shared) as client:
        response = await client.get("/v1/user/highlights", params={"user_id": user.pk})
        by_name = await client.get("/v1/user/highlights/by/username", params={"username": user.username})
    tray = read_list(response, contract.TrayEntry, user)
    assert len(read_list(by_name, contract.TrayEntry, user)) == len(tray)
    created = [highlight.created_at for highlight in tray]
    assert created == sorted(created, reverse=True)
    assert len({highlight.pk for highlight in tray}) == len(tray) <= 100
    assert all(int(highlight.pk) > BIG and highlight.id == f"highlight:{highlight.pk}" for highlight in tray)
    assert all(highlight.user.username == user.username for highlight in tray)


@given(users, st.data())
@examples(60)
async def test_highlights_with_their_items_follow_the_contract(
    shared: Starlette, index: int, data: st.DataObject
) -> None:
    """The own answer of a highlight agrees with its entry in the tray, and each item is found again by its id."""
    user = held(shared).world.user(index)
    async with client_of(shared) as client:
        response = await client.get("/v1/user/highlights", params={"user_id": user.pk})
        if not (tray := read_list(response, contract.TrayEntry, user)):
            return
        entry = data.draw(st.sampled_from(tray))
        url = f"https://www.instagram.com/stories/highlights/{entry.pk}/"
        highlight = read(await client.get("/v1/highlight/by/url", params={"url": url}), contract.Highlight)
        story = None
        if highlight.items:
            story = data.draw(st.sampled_from(highlight.items))
            assert read(await client.get("/v1/story/by/id", params={"id": story.pk}), contract.Story) == story
            assert read(await client.get("/v1/story/by/id", params={"id": story.id}), contract.Story) == story
    assert highlight.created_at == entry.created_at.replace("Z", "+00:00")
    for field in ("pk", "title", "user", "media_count", "latest_reel_media", "is_pinned_highlight"):
        if index != fixture_users.NATGEO.index or field != "user":  # the recorded tray has a shortened picture URL
            assert getattr(highlight, field) == getattr(entry, field)
    assert {int(item.pk) for item in highlight.items} <= set(highlight.media_ids)
    assert len(highlight.items) <= 100
    for item in highlight.items:
        check_item(item, user)
    if highlight.items and index != fixture_users.SALWAAA.index:  # her recorded list is cut to its first three items
        assert highlight.latest_reel_media is not None
        newest = max(datetime.fromisoformat(item.taken_at).timestamp() for item in highlight.items)
        assert newest <= highlight.latest_reel_media


def check_item(item: contract.Story, user: User) -> None:
    pk = int(item.pk)
    assert pk > BIG
    assert item.id == f"{pk}_{user.pk}"
    assert (item.user.username, item.user.is_verified) == (None, None)
    assert str(item.user.pk) == str(user.pk)
    taken_at = datetime.fromisoformat(item.taken_at).timestamp()
    assert abs(((pk >> 23) + 1_314_220_021_721) / 1000 - taken_at) < 60
    value = 0
    for character in item.code:
        value = value * 64 + ALPHABET.index(character)
    assert value == pk
    assert (item.video_url is not None) == (item.media_type == 2)


@given(users)
async def test_stories_follow_the_contract_and_are_found_by_their_ids(shared: Starlette, index: int) -> None:
    user = held(shared).world.user(index)
    async with client_of(shared) as client:
        response = await client.get("/v1/user/stories", params={"user_id": user.pk})
        by_name = await client.get("/v1/user/stories/by/username", params={"username": user.username})
        stories = read_list(response, contract.Story, user)
        assert (by_name.status_code, by_name.content) == (response.status_code, response.content)
        for story in stories:
            check_item(story, user)
            assert read(await client.get("/v1/story/by/id", params={"id": story.id}), contract.Story) == story


async def test_share_links_are_decoded(client: httpx.AsyncClient) -> None:
    code = base64.urlsafe_b64encode(b"highlight:18085475671830440").decode().rstrip("=")
    url = f"https://www.instagram.com/s/{code}?story_media_id=1"
    assert read(await client.get("/v1/share/by/url", params={"url": url}), contract.Share).pk == "18085475671830440"
    highlight = read(await client.get("/v1/highlight/by/url", params={"url": url}), contract.Highlight)
    assert highlight.title == "me 🦋"


async def test_the_balance_follows_the_contract(client: httpx.AsyncClient) -> None:
    balance = read(await client.get("/sys/balance"), contract.Balance)
    assert (balance.requests, balance.rate, balance.currency) == (1_000_000, 1_000, "USD")


UNKNOWN = "1"
REFUSALS = [
    ("/v1/user/by/id?id=natgeo", 400, "ValidationError"),
    ("/v1/user/by/id?id=-1", 400, "ValidationError"),
    ("/v1/user/by/username?username=no%20name", 400, "ValidationError"),
    ("/v1/user/highlights?user_id=natgeo", 400, "ValidationError"),
    ("/v1/user/highlights?user_id=787132&amount=few", 400, "ValidationError"),
    ("/v1/user/highlights?user_id=787132&amount=-1", 400, "ValidationError"),
    ("/v1/user/highlights?user_id=787132&force=maybe", 400, "ValidationError"),
    ("/v1/highlight/by/url?url=https://example.com/stories/highlights/1/", 400, "ValidationError"),
    ("/v1/highlight/by/id?id=first", 400, "ValidationError"),
    ("/v1/story/by/id?id=1_2_3", 400, "ValidationError"),
    ("/v1/share/by/url?url=https://www.instagram.com/stories/highlights/18085475671830440/", 400, "ValidationError"),
    ("/v1/share/by/url?url=https://www.instagram.com/s/nonsense", 400, "ValidationError"),
    (f"/v1/user/by/id?id={UNKNOWN}", 404, "UserNotFound"),
    ("/v1/user/by/username?username=nobody.at.all", 404, "UserNotFound"),
    (f"/v1/user/highlights?user_id={UNKNOWN}&force=on", 404, "UserNotFound"),
    ("/v1/user/stories/by/username?username=nobody.at.all", 404, "UserNotFound"),
    (f"/v1/highlight/by/id?id={UNKNOWN}", 404, "NotFoundError"),
    ("/v1/highlight/by/url?url=https://www.instagram.com/stories/highlights/17999999999999999/", 404, "NotFoundError"),
    (f"/v1/story/by/id?id={UNKNOWN}", 404, "NotFoundError"),
    ("/v1/story/by/id?id=3772053608293416705", 404, "NotFoundError"),
    ("/v1/user/highlights/by/username?username=private.person", 403, "PrivateAccount"),
    ("/v1/user/stories/by/username?username=private.person", 403, "PrivateAccount"),
    (f"/v1/highlight/by/id?id={fixture_users.highlight_pk(fixture_users.PRIVATE, 0)}", 403, "PrivateAccount"),
    ("/v1/user/highlights/by/username?username=empty.404", 404, "NotFoundError"),
    ("/v1/user/stories/by/username?username=empty.404", 404, "NotFoundError"),
]


@pytest.mark.parametrize(("target", "status", "exc_type"), REFUSALS)
async def test_refusals_come_in_the_endpoint_layers_envelope(
    client: httpx.AsyncClient, target: str, status: int, exc_type: str
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)


@pytest.mark.parametrize("target", ["/v1/user/highlights", "/v1/user/by/id?username=natgeo", "/v1/share/by/url"])
async def test_a_missing_parameter_is_refused_in_the_frameworks_shape(client: httpx.AsyncClient, target: str) -> None:
    response = await client.get(target)
    assert response.status_code == 422
    detail = msgspec.json.decode(response.content, type=contract.MissingParameter).detail
    assert detail[0].loc[0] == "query"


async def test_what_is_no_endpoint_is_refused_in_the_frameworks_shape(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v1/user/followers")
    posted = await client.post("/v1/user/by/id")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    assert (posted.status_code, posted.json()) == (405, {"detail": "Method Not Allowed"})


async def test_amount_cuts_the_tray(client: httpx.AsyncClient) -> None:
    params: dict[str, str | int] = {"username": "thirty.highlights"}
    everything = read(await client.get("/v1/user/highlights/by/username", params=params), list[contract.TrayEntry])
    for amount, expected in ((0, 30), (3, 3), (30, 30), (99, 30)):
        answer = await client.get("/v1/user/highlights/by/username", params=params | {"amount": amount})
        assert read(answer, list[contract.TrayEntry]) == everything[:expected]


async def test_names_are_case_insensitive(client: httpx.AsyncClient) -> None:
    profile = read(await client.get("/v1/user/by/username", params={"username": "Thirty.Highlights"}), contract.User)
    assert profile.username == "thirty.highlights"

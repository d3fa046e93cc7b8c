"""Each role of gateway/sandbox/fixture_users.py is what its table says."""

from __future__ import annotations

from itertools import product
from typing import Any

import httpx
import pytest

from gateway.sandbox import Sandbox, answers, create_sandbox, fixture_users, ids
from gateway.sandbox.entities import User
from gateway.sandbox.world import POPULATION, World
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of
from tests.sandbox.walks import FOLLOWERS, FOLLOWING, MEDIAS, pk_of

ATTACHMENTS = ("mentions", "links", "hashtags", "locations", "stickers", "medias", "sponsor_tags")


async def tray_of(client: httpx.AsyncClient, user: User) -> list[dict[str, Any]]:
    response = await client.get("/v1/user/highlights/by/username", params={"username": user.username})
    assert response.status_code == 200, response.text
    tray: list[dict[str, Any]] = response.json()
    assert [entry["pk"] for entry in tray] == [fixture_users.highlight_pk(user, slot) for slot in range(len(tray))]
    return tray


async def opened(client: httpx.AsyncClient, user: User, slot: int) -> dict[str, Any]:
    response = await client.get("/v1/highlight/by/id", params={"id": fixture_users.highlight_pk(user, slot)})
    assert response.status_code == 200, response.text
    highlight: dict[str, Any] = response.json()
    return highlight


async def test_thirty_highlights_has_thirty_of_forty_items_each(client: httpx.AsyncClient) -> None:
    assert len(await tray_of(client, fixture_users.THIRTY)) == 30
    highlights = [await opened(client, fixture_users.THIRTY, slot) for slot in range(30)]
    assert {(len(highlight["items"]), highlight["media_count"]) for highlight in highlights} == {(40, 40)}
    items = [item["pk"] for highlight in highlights for item in highlight["items"]]
    assert len(set(items)) == 1_200


async def test_hundred_highlights_has_a_hundred_and_one_of_a_hundred_items(client: httpx.AsyncClient) -> None:
    assert len(await tray_of(client, fixture_users.HUNDRED)) == 100
    assert len((await opened(client, fixture_users.HUNDRED, 0))["items"]) == 100


async def test_private_person_is_refused_unless_forced_and_has_a_profile(client: httpx.AsyncClient) -> None:
    params = {"user_id": str(fixture_users.PRIVATE.pk)}
    assert (await client.get("/v1/user/highlights", params=params)).status_code == 403
    assert (await client.get("/v1/user/highlights", params=params | {"force": "on"})).json() == []
    assert (await client.get("/v1/user/stories", params=params | {"force": "on"})).json() == []
    profile = (await client.get("/v1/user/by/username", params={"username": "private.person"})).json()
    assert profile["is_private"] is True


async def test_the_empty_ones_are_answered_in_both_ways(client: httpx.AsyncClient) -> None:
    for path in ("/v1/user/highlights", "/v1/user/stories"):
        assert (await client.get(path, params={"user_id": fixture_users.EMPTY_LIST.pk})).json() == []
        missing = await client.get(path, params={"user_id": fixture_users.EMPTY_404.pk})
        assert (missing.status_code, missing.json()["detail"]) == (404, "Entries not found")


async def test_dropped_items_are_named_but_not_there(client: httpx.AsyncClient) -> None:
    some, none = [await opened(client, fixture_users.DROPPED, slot) for slot in (0, 1)]
    assert (some["media_count"], len(some["media_ids"]), len(some["items"])) == (12, 12, 9)
    assert (none["media_count"], len(none["media_ids"]), len(none["items"])) == (3, 3, 0)
    lost = set(map(str, some["media_ids"])) - {item["pk"] for item in some["items"]}
    for pk in lost:
        assert (await client.get("/v1/story/by/id", params={"id": pk})).status_code == 404


async def test_every_attachment_is_on_every_item_and_mentions_are_real_users(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    items = (await opened(client, fixture_users.ATTACHED, 0))["items"]
    assert len(items) == 3
    assert all(item[name] for item in items for name in ATTACHMENTS)
    for item in items:
        for mention in item["mentions"]:
            mentioned = sandbox.world.user_by_name(mention["user"]["username"])
            assert mentioned is not None
            assert str(mentioned.pk) == str(mention["user"]["pk"])


async def test_integer_pk_is_a_number_wherever_the_user_is_shown(client: httpx.AsyncClient) -> None:
    tray = await tray_of(client, fixture_users.INTEGER_PK)
    item = (await opened(client, fixture_users.INTEGER_PK, 0))["items"][0]
    profile = (await client.get("/v1/user/by/id", params={"id": fixture_users.INTEGER_PK.pk})).json()
    for shown in (tray[0]["user"], item["user"], profile):
        assert (shown["pk"], shown["id"]) == (fixture_users.INTEGER_PK.pk, fixture_users.INTEGER_PK.pk)


async def test_a_highlight_of_no_media_is_empty_in_its_own_answer(client: httpx.AsyncClient) -> None:
    tray = await tray_of(client, fixture_users.ZERO)
    assert [entry["media_count"] for entry in tray] == [0, 5]
    empty = await opened(client, fixture_users.ZERO, 0)
    assert (empty["media_count"], empty["media_ids"], empty["items"]) == (0, [], [])


async def test_photos_and_videos_take_turns(client: httpx.AsyncClient) -> None:
    items = (await opened(client, fixture_users.MIXED, 0))["items"]
    assert [item["media_type"] for item in items] == [1, 2] * 10
    assert all(bool(item["video_url"]) == bool(item["video_duration"]) == (item["media_type"] == 2) for item in items)


async def test_a_story_is_not_found_under_another_users_id(client: httpx.AsyncClient) -> None:
    pk = (await opened(client, fixture_users.MIXED, 0))["items"][0]["pk"]
    stranger = await client.get("/v1/story/by/id", params={"id": f"{pk}_{fixture_users.THIRTY.pk}"})
    assert stranger.status_code == 404


# What the profile says, and how much of it the lists hold: posts, followers, followed.
SIZES = [
    (fixture_users.NATGEO, (240, 514, 180), (240, 514, 180)),
    (fixture_users.SALWAAA, (37, 317, 64), (37, 317, 64)),
    (fixture_users.THIRTY, (3_701, 335_056, 1_520), (120, 15, 400)),
    (fixture_users.HUNDRED, (520, 245, 120), (520, 245, 120)),
    (fixture_users.EMPTY_LIST, (0, 0, 0), (0, 0, 0)),
    (fixture_users.EMPTY_404, (0, 0, 0), (0, 0, 0)),
    (fixture_users.DROPPED, (12, 186, 15), (12, 186, 15)),
    (fixture_users.ATTACHED, (9, 164, 20), (9, 164, 20)),
    (fixture_users.INTEGER_PK, (2_586, 734_982, 90), (120, 15, 90)),
    (fixture_users.ZERO, (1, 146, 3), (1, 146, 3)),
    (fixture_users.MIXED, (60, 150, 40), (60, 150, 40)),
]


@pytest.mark.parametrize(("user", "said", "held"), SIZES, ids=lambda value: getattr(value, "username", ""))
async def test_lists_are_as_long_as_the_table_says(
    client: httpx.AsyncClient, user: User, said: tuple[int, ...], held: tuple[int, ...]
) -> None:
    profile = (await client.get("/v1/user/by/id", params={"id": user.pk})).json()
    assert tuple(profile[f"{name}_count"] for name in ("media", "follower", "following")) == said
    entries = [await walk.of(user_id=user.pk).all(client) for walk in (MEDIAS, FOLLOWERS, FOLLOWING)]
    posts, followers, followed = entries
    assert len({pk_of(post) for post in posts}) == held[0]
    assert tuple(len({each.pk_id for each in users}) for users in (followers, followed)) == held[1:]


def test_the_world_is_the_same_each_time_whatever_was_asked_before() -> None:
    """A user is drawn from its number alone, so the order of questions cannot matter."""
    forwards, backwards = World(), World()
    there = [forwards.user(index) for index in range(POPULATION)]
    back = [backwards.user(index) for index in reversed(range(POPULATION))]
    assert there == back[::-1]
    assert [forwards.tray(user) for user in there[:50]] == [backwards.tray(user) for user in there[:50]]


def test_the_world_has_every_kind_of_user_and_no_two_alike() -> None:
    world = World()
    users = [world.user(index) for index in range(POPULATION)]
    assert len({user.pk for user in users}) == len({user.username for user in users}) == POPULATION
    assert 30 < sum(user.is_private for user in users) < 100
    assert sum(user.integer_pk for user in users) > 50
    assert {user.empty_is_404 for user in users if not user.highlights} == {True, False}
    assert max(len(user.highlights) for user in users) == 100
    sketches = [sketch for user in users for sketch in user.highlights]
    assert max(sketch.media_count for sketch in sketches) == 100
    assert any(sketch.dropped for sketch in sketches)


def test_every_highlight_is_found_by_its_pk() -> None:
    world = World()
    for index in range(0, POPULATION, 7):
        for highlight in world.tray(world.user(index)):
            assert world.highlight(highlight.pk) == highlight
            assert world.highlight(highlight.pk + 1) is None
    assert world.highlight(ids.highlight_pk(POPULATION, 0)) is None
    assert world.item(ids.item_pk(1_773_000_000, ids.ItemKey(POPULATION, 0, 0))) is None


async def test_a_renamed_user_is_known_by_the_new_name_only(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    await opened(client, fixture_users.THIRTY, 0)
    sandbox.world.rename(fixture_users.THIRTY.pk, "renamed")
    assert (await client.get("/v1/user/by/username", params={"username": "thirty.highlights"})).status_code == 404
    profile = (await client.get("/v1/user/by/username", params={"username": "renamed"})).json()
    assert profile["pk"] == str(fixture_users.THIRTY.pk)
    assert (await opened(client, fixture_users.THIRTY, 0))["user"]["username"] == "renamed"


async def test_a_deleted_highlight_is_gone_with_its_items(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    highlight = await opened(client, fixture_users.MIXED, 0)
    sandbox.world.delete_highlight(int(highlight["pk"]))
    assert (await client.get("/v1/user/highlights", params={"user_id": fixture_users.MIXED.pk})).json() == []
    assert (await client.get("/v1/highlight/by/id", params={"id": highlight["pk"]})).status_code == 404
    assert (await client.get("/v1/story/by/id", params={"id": highlight["items"][0]["pk"]})).status_code == 404


async def test_a_tray_that_was_read_shows_what_is_deleted_at_once(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    before = await tray_of(client, fixture_users.THIRTY)
    sandbox.world.delete_highlight(int(before[4]["pk"]))
    response = await client.get("/v1/user/highlights", params={"user_id": fixture_users.THIRTY.pk})
    assert response.json() == before[:4] + before[5:]


async def test_more_answers_than_are_kept_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are kept by a bounded number, and each must be its own."""
    monkeypatch.setattr(answers, "KEPT", 16)
    async with client_of(create_sandbox(clock=SteppedClock(), base_url=ORIGIN)) as client:
        for user, amount in [
            *product((fixture_users.DROPPED, fixture_users.THIRTY, fixture_users.INTEGER_PK), range(1, 11))
        ] * 2:
            params = {"user_id": user.pk, "amount": amount}
            tray = (await client.get("/v1/user/highlights", params=params)).json()
            assert len(tray) == min(amount, len(user.highlights))
            assert str(tray[0]["user"]["pk"]) == str(user.pk)


def test_what_is_unknown_cannot_be_renamed_or_deleted() -> None:
    world = World()
    with pytest.raises(KeyError):
        world.rename(1, "ghost")
    with pytest.raises(KeyError):
        world.delete_highlight(1)

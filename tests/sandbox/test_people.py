"""Who follows whom, what is public about an account, and the searches."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox import Sandbox, fixture_users, follows
from gateway.sandbox.catalogue import is_private
from gateway.sandbox.world import POPULATION, World
from tests.sandbox import contract
from tests.sandbox.contract_lists import About, ShortOfList
from tests.sandbox.contract_posts import RawUser
from tests.sandbox.walks import ACCOUNTS, FOLLOWERS, FOLLOWING, NATGEO, THIRTY, THIRTYS, Walk, read

SEARCH_FOLLOWERS, SEARCH_FOLLOWING = "/v1/user/search/followers", "/v1/user/search/following"
SEARCHES = [(SEARCH_FOLLOWERS, FOLLOWERS), (SEARCH_FOLLOWING, FOLLOWING)]
ABOUT = "/gql/user/about"
WORLD = World()
indices = st.integers(0, POPULATION - 1)


async def profile_of(client: httpx.AsyncClient, pk: int) -> contract.User:
    return read(await client.get("/v1/user/by/id", params={"id": pk}), contract.User)


async def test_the_lists_are_as_long_as_the_profile_says(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    for index in (0, 1, 5, 10, 12, 500, 999):
        user = sandbox.world.user(index)
        if user.is_private:
            continue
        profile = await profile_of(client, user.pk)
        followers = {each.pk_id for each in await FOLLOWERS.of(user_id=user.pk).all(client)}
        following = {each.pk_id for each in await FOLLOWING.of(user_id=user.pk).all(client)}
        assert (len(followers), len(following)) == (profile.follower_count, profile.following_count)
        assert str(user.pk) not in followers | following


async def test_natgeo_has_some_hundreds_of_both(client: httpx.AsyncClient) -> None:
    profile = await profile_of(client, NATGEO.pk)
    assert (profile.media_count, profile.follower_count, profile.following_count) == (240, 514, 180)


async def test_of_very_many_followers_only_a_page_is_shown(client: httpx.AsyncClient) -> None:
    page = await FOLLOWERS.of(**THIRTYS).page(client)
    assert (len(page.response.users), page.next_page_id, page.response.has_more) == (15, None, False)
    assert (await profile_of(client, THIRTY.pk)).follower_count == 335_056


@given(indices)
def test_who_follows_is_followed_back_to(index: int) -> None:
    assert all(index in follows.followers(other) for other in follows.following(index))
    assert all(index in follows.following(other) for other in follows.followers(index))
    assert len(set(follows.following(index))) == len(follows.following(index))


@given(indices)
def test_privacy_is_known_without_the_user(index: int) -> None:
    assert is_private(index) == WORLD.user(index).is_private


async def test_users_come_in_each_raw_spelling_and_tell_their_newest_story(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    users: list[RawUser] = await FOLLOWERS.all(client)
    assert {type(user.pk) for user in users} == {int, str, msgspec.UnsetType}
    assert {user.is_private for user in users} == {True, False}
    assert 0 in {user.latest_reel_media for user in users}
    for user in users[:40]:
        known = sandbox.world.user_by_pk(int(user.pk_id))
        assert known is not None
        assert (user.username, user.full_name) == (known.username, known.full_name)


@pytest.mark.parametrize(("path", "walk"), SEARCHES, ids=str)
async def test_a_search_finds_those_of_the_list_whose_names_contain_the_words(
    client: httpx.AsyncClient, path: str, walk: Walk
) -> None:
    listed = {each.username: each.pk_id for each in await walk.all(client)}
    for query in ("an", "AMBER", "golden heron", "golden.heron"):
        response = await client.get(path, params={"user_id": NATGEO.pk, "query": query})
        found = read(response, list[ShortOfList])
        words = query.lower()
        expected = {pk for name, pk in listed.items() if words in name or words in name.replace(".", " ")}
        assert {str(each.pk) for each in found} == expected
    assert (await client.get(path, params={"user_id": NATGEO.pk, "query": "nobody at all"})).json() == []


@pytest.mark.parametrize("path", [SEARCH_FOLLOWERS, SEARCH_FOLLOWING])
async def test_a_forced_search_costs_half_and_finds_nothing_of_a_private_user(
    client: httpx.AsyncClient, sandbox: Sandbox, path: str
) -> None:
    private = {"user_id": str(fixture_users.PRIVATE.pk), "query": "a"}
    assert (await client.get(path, params=private)).status_code == 403
    assert sandbox.meter.total_billed == 2
    assert (await client.get(path, params=private | {"force": "on"})).json() == []
    assert sandbox.meter.total_billed == 3
    forced = await client.get(path, params={"user_id": NATGEO.pk, "query": "a", "force": "on"})
    assert forced.json()
    assert sandbox.meter.total_billed == 4


async def test_what_is_public_about_an_account_is_told_of_private_ones_too(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    found = []
    for index in range(40):
        user = sandbox.world.user(index)
        about = read(await client.get(ABOUT, params={"id": user.pk}), About)
        assert (about.username, about.is_verified) == (user.username, user.is_verified)
        found.append(about)
    assert {about.country is None for about in found} == {True, False}
    assert {bool(about.former_usernames) for about in found} == {True, False}


async def test_the_search_of_accounts_has_no_envelope_and_ends_when_it_says(client: httpx.AsyncClient) -> None:
    pages = await ACCOUNTS.pages(client)
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]
    assert all(page.num_results == len(page.users) for page in pages)
    users = [user for page in pages for user in page.users]
    assert all("an" in user.username for user in users)
    assert len({user.username for user in users}) == len(WORLD.named("an")[:200])


async def test_the_count_of_followers_is_a_rounded_text(client: httpx.AsyncClient) -> None:
    found = {}
    for name in ("natgeo", "thirty highlights"):
        [account] = ACCOUNTS.entries(await ACCOUNTS.of(query=name).page(client))
        found[account.username] = account.social_context
    assert found == {"natgeo": "514 followers", "thirty.highlights": "335K followers"}


async def test_a_search_without_a_result_is_empty(client: httpx.AsyncClient) -> None:
    page = await ACCOUNTS.of(query="nobody at all").page(client)
    assert (page.users, page.num_results, page.has_more, page.page_token) == ([], 0, False, None)


async def test_a_renamed_user_is_found_by_the_new_name(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.world.rename(NATGEO.pk, "nationalgeographic")
    assert not ACCOUNTS.entries(await ACCOUNTS.of(query="natgeo").page(client))
    [account] = ACCOUNTS.entries(await ACCOUNTS.of(query="nationalgeo").page(client))
    assert account.pk_id == str(NATGEO.pk)


PRIVATE = fixture_users.PRIVATE.pk
REFUSALS = [
    *((f"{walk.path}?user_id=natgeo", 400, "ValidationError", 1) for walk in (FOLLOWERS, FOLLOWING)),
    *((f"{walk.path}?user_id={PRIVATE}", 403, "PrivateAccount", 1) for walk in (FOLLOWERS, FOLLOWING)),
    *((f"{walk.path}?user_id=1", 404, "UserNotFound", 1) for walk in (FOLLOWERS, FOLLOWING)),
    *((f"{path}?user_id=natgeo&query=a", 400, "ValidationError", 2) for path, _ in SEARCHES),
    *((f"{path}?user_id=787132&query=%20", 400, "ValidationError", 2) for path, _ in SEARCHES),
    *((f"{path}?user_id=787132&query=a&force=maybe", 400, "ValidationError", 2) for path, _ in SEARCHES),
    *((f"{path}?user_id={PRIVATE}&query=a", 403, "PrivateAccount", 2) for path, _ in SEARCHES),
    *((f"{path}?user_id=1&query=a&force=on", 404, "UserNotFound", 1) for path, _ in SEARCHES),
    (f"{ABOUT}?id=natgeo", 400, "ValidationError", 1),
    (f"{ABOUT}?id=1", 404, "UserNotFound", 1),
    (f"{ACCOUNTS.path}?query=", 400, "ValidationError", 1),
]


@pytest.mark.parametrize(("target", "status", "exc_type", "charged"), REFUSALS)
async def test_refusals_are_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, exc_type: str, charged: int
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == charged


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        (FOLLOWERS.path, "user_id"),
        (FOLLOWING.path, "user_id"),
        (f"{SEARCH_FOLLOWERS}?query=a", "user_id"),
        (f"{SEARCH_FOLLOWERS}?user_id=787132", "query"),
        (f"{SEARCH_FOLLOWING}?user_id=787132", "query"),
        (ABOUT, "id"),
        (ACCOUNTS.path, "query"),
    ],
)
async def test_a_missing_parameter_is_not_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, missing: str
) -> None:
    response = await client.get(target)
    assert response.status_code == 422
    detail = msgspec.json.decode(response.content, type=contract.MissingParameter).detail
    assert detail[0].loc == ["query", missing]
    assert sandbox.meter.total_billed == 0

"""The lists of a user's posts, and that each post in them is the one that its id leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from starlette.applications import Starlette

from gateway.sandbox import Sandbox, create_sandbox, fixture_users, listing
from gateway.sandbox.entities import PostKind
from gateway.sandbox.feed import listed_post
from gateway.sandbox.world import POPULATION, World
from tests.profiles import examples
from tests.sandbox import contract
from tests.sandbox.contract_lists import RawMedia
from tests.sandbox.contract_posts import Media, RawUser
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of, held
from tests.sandbox.walks import CHUNK, CLIPS, MEDIAS, NATGEO, TAGGED, Chunk, pk_of, read

PINNED = "/v1/user/medias/pinned"
PATHS = [MEDIAS.path, CHUNK.path, PINNED, CLIPS.path, TAGGED.path]
WORLD = World()
indices = st.integers(0, POPULATION - 1)


@pytest.fixture(scope="module")
def shared() -> Starlette:
    """One app for all examples: these tests only read."""
    return create_sandbox(clock=SteppedClock(), base_url=ORIGIN)


async def by_id(client: httpx.AsyncClient, pk: str) -> Media:
    return read(await client.get("/v1/media/by/id", params={"id": pk}), Media)


async def profile_of(client: httpx.AsyncClient, pk: int) -> contract.User:
    return read(await client.get("/v1/user/by/id", params={"id": pk}), contract.User)


def pk_in(user: RawUser) -> str:
    return user.pk_id


def flattened(raw: RawMedia) -> dict[str, Any]:
    """What the flat form says, read from the raw one by the table of the contract."""
    taken_at = raw.long_taken_at if raw.taken_at is UNSET else raw.taken_at
    duration = raw.float_video_duration if raw.video_duration is UNSET else raw.video_duration
    images = [] if raw.image_versions2 is UNSET else raw.image_versions2.candidates
    videos = [] if raw.video_versions is UNSET else raw.video_versions
    tags = [] if raw.usertags is UNSET else raw.usertags.tags
    children = [] if raw.carousel_media is UNSET else raw.carousel_media
    return {
        "pk": pk_of(raw),
        "id": raw.id,
        "code": raw.code,
        "taken_at_ts": taken_at,
        "media_type": raw.media_type,
        "product_type": raw.product_type,
        "user": pk_in(raw.user),
        "caption_text": raw.caption.text if raw.caption else "",
        "thumbnail_url": images[0].url if images else None,
        "video_url": videos[0].url if videos else None,
        "video_duration": 0.0 if duration is UNSET else duration,
        "like_count": raw.like_count,
        "comment_count": raw.comment_count,
        "comments_disabled": raw.comments_disabled,
        "hidden": raw.like_and_view_counts_disabled,
        "title": raw.title,
        "place": None if raw.location is UNSET else (raw.location.pk, raw.location.name, raw.location.lat),
        "tagged": [(str(tag.user.pk), tag.position) for tag in tags],
        "coauthors": [pk_in(user) for user in raw.coauthor_producers],
        "sponsored": raw.is_paid_partnership,
        "children": [(str(child.pk), child.media_type, child.image_versions2.candidates[0].url) for child in children],
    }


def facts(media: Media) -> dict[str, Any]:
    place = media.location
    return {
        "pk": media.pk,
        "id": media.id,
        "code": media.code,
        "taken_at_ts": media.taken_at_ts,
        "media_type": media.media_type,
        "product_type": media.product_type,
        "user": str(media.user.pk),
        "caption_text": media.caption_text,
        "thumbnail_url": media.thumbnail_url,
        "video_url": media.video_url,
        "video_duration": media.video_duration,
        "like_count": media.like_count,
        "comment_count": media.comment_count,
        "comments_disabled": media.comments_disabled,
        "hidden": media.like_and_view_counts_disabled,
        "title": media.title,
        "place": (place.pk, place.name, place.lat) if place else None,
        "tagged": [(str(tag.user.pk), (tag.x, tag.y)) for tag in media.usertags],
        "coauthors": [pk_in(user) for user in media.coauthor_producers],
        "sponsored": media.is_paid_partnership,
        "children": [(each.pk, each.media_type, each.thumbnail_url) for each in media.resources],
    }


async def test_a_raw_post_is_the_one_that_its_id_leads_to(client: httpx.AsyncClient) -> None:
    posts: list[RawMedia] = (await MEDIAS.all(client))[:80]
    for post in posts:
        media = await by_id(client, pk_of(post))
        assert flattened(post) == facts(media)
        assert (post.play_count is UNSET) == (post.media_type != 2)
        assert post.play_count in (UNSET, 0, media.play_count)
    assert {post.media_type for post in posts} == {1, 2, 8}


async def test_a_flat_post_is_the_one_that_its_id_leads_to_without_its_plays(client: httpx.AsyncClient) -> None:
    for walk in (CHUNK, CLIPS, TAGGED):
        posts: list[Media] = walk.entries(await walk.page(client))
        likes = []
        for post in posts:
            media = await by_id(client, post.pk)
            assert post.play_count == 0
            likes.append(post.like_count == media.like_count)
            assert post.like_count in (0, media.like_count)
            assert msgspec.structs.replace(media, play_count=0, like_count=post.like_count) == post
        assert any(likes)


async def test_the_raw_spellings_of_the_platform_occur(client: httpx.AsyncClient) -> None:
    posts: list[RawMedia] = await MEDIAS.all(client)
    assert {type(post.pk) for post in posts} == {int, str, msgspec.UnsetType}
    assert {post.taken_at is UNSET for post in posts} == {True, False}
    assert all((post.taken_at is UNSET) != (post.long_taken_at is UNSET) for post in posts)
    videos = [post for post in posts if post.media_type == 2]
    assert {post.video_duration is UNSET for post in videos} == {True, False}
    assert all((post.video_duration is UNSET) != (post.float_video_duration is UNSET) for post in videos)
    assert {post.play_count == 0 for post in videos} == {True, False}
    assert {post.caption is None for post in posts} == {True, False}
    children = [child for post in posts if post.carousel_media for child in post.carousel_media]
    assert {type(child.pk) for child in children} == {int, str}


async def test_raw_numbers_are_larger_than_a_browser_can_read(client: httpx.AsyncClient) -> None:
    response = await client.get(MEDIAS.path, params=dict(MEDIAS.params))
    numbers = [item["caption"]["media_id"] for item in response.json()["response"]["items"] if item["caption"]]
    assert numbers
    assert all(isinstance(number, int) and number > 2**53 for number in numbers)


async def test_the_list_has_as_many_posts_as_the_profile_says(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    for index in (0, 1, 3, 5, 10, 11, 12, 40, 41, 42):
        user = sandbox.world.user(index)
        if user.is_private:
            continue
        profile = await profile_of(client, user.pk)
        posts = await MEDIAS.of(user_id=user.pk).all(client)
        assert len({pk_of(post) for post in posts}) == profile.media_count
        if profile.media_count:
            chunks = await CHUNK.of(user_id=user.pk).all(client)
            assert [pk_of(post) for post in chunks] == list(dict.fromkeys(pk_of(post) for post in posts))


async def test_pinned_posts_come_first_out_of_order_and_all_others_by_age(client: httpx.AsyncClient) -> None:
    posts: list[RawMedia] = await MEDIAS.all(client)
    marked = [post.timeline_pinned_user_ids == [NATGEO.pk] for post in posts]
    assert marked[:4] == [True, True, True, False]
    assert not any(marked[3:])
    times = [flattened(post)["taken_at_ts"] for post in posts]
    assert times[:3] != sorted(times[:3], reverse=True)
    assert times[3:] == sorted(times[3:], reverse=True)
    pinned = read(await client.get(PINNED, params=dict(MEDIAS.params)), list[Media])
    assert [post.pk for post in pinned] == [pk_of(post) for post in posts[:3]]
    fewer = read(await client.get(PINNED, params={**MEDIAS.params, "amount": 2}), list[Media])
    assert fewer == pinned[:2]


async def test_clips_are_the_reels_of_the_list(client: httpx.AsyncClient) -> None:
    reels = [pk_of(post) for post in await MEDIAS.all(client) if post.product_type == "clips"]
    clips: list[Media] = await CLIPS.all(client)
    assert {clip.product_type for clip in clips} == {"clips"}
    assert {clip.pk for clip in clips} == set(reels)
    times = [clip.taken_at_ts for clip in clips]
    assert times == sorted(times, reverse=True)


async def test_the_user_is_tagged_in_each_of_the_posts_by_others(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    posts: list[Media] = await TAGGED.all(client)
    assert len({post.pk for post in posts}) > 100
    for post in posts:
        assert str(NATGEO.pk) in [str(tag.user.pk) for tag in post.usertags]
        author = sandbox.world.user_by_pk(int(post.user.pk))
        assert author is not None
        assert not author.is_private
        assert author.pk != NATGEO.pk


@given(indices, st.data())
@examples(60)
async def test_every_post_of_every_list_opens_or_is_private(shared: Starlette, index: int, data: st.DataObject) -> None:
    user = held(shared).world.user(index)
    async with client_of(shared) as client:
        response = await client.get(MEDIAS.path, params={"user_id": user.pk})
        if user.is_private:
            assert (response.status_code, response.json()["exc_type"]) == (403, "PrivateAccount")
            return
        items = read(response, MEDIAS.model).response.items
        assert bool(items) == (listing.post_count(index) > 0)
        if items:
            post = data.draw(st.sampled_from(items))
            assert facts(await by_id(client, pk_of(post))) == flattened(post)


@given(indices, st.data())
def test_a_post_is_found_in_its_list_by_its_pk_and_by_its_position(index: int, data: st.DataObject) -> None:
    count = listing.post_count(index)
    if not count:
        assert listing.pinned(index) == ()
        return
    position = data.draw(st.integers(0, count - 1))
    number = listing.number_at(index, position)
    assert listing.position_of(index, number) == position
    post = listed_post(WORLD.user(index), number)
    assert post.listed is not None
    assert (post.listed.number, listing.number_of_pk(index, post.pk)) == (number, number)
    assert WORLD.post_by_pk(post.pk) == post
    assert listing.number_of_pk((index + 1) % POPULATION, post.pk) is None


@given(indices)
def test_a_list_holds_each_post_once(index: int) -> None:
    count = min(listing.post_count(index), 300)
    entries = [listing.entry_at(index, number) for number in range(count)]
    times = [entry.taken_at for entry in entries]
    assert times == sorted(set(times), reverse=True)
    assert len(listing.pinned(index)) <= 3
    reels = [entry.number for entry in entries if entry.kind is PostKind.REEL]
    assert list(listing.reels(index)[: len(reels)]) == reels


def test_most_users_have_few_posts_and_a_few_have_hundreds() -> None:
    counts = [listing.post_count(index) for index in range(len(fixture_users.CAST), POPULATION)]
    assert sum(count <= 60 for count in counts) > 0.9 * len(counts)
    assert 0 in counts
    assert 5 < sum(count > 200 for count in counts) < 50


@pytest.mark.parametrize("path", [MEDIAS.path, CHUNK.path, PINNED, CLIPS.path, TAGGED.path])
async def test_one_without_posts_has_an_empty_list_or_none(client: httpx.AsyncClient, path: str) -> None:
    empty = await client.get(path, params={"user_id": fixture_users.EMPTY_LIST.pk})
    missing = await client.get(path, params={"user_id": fixture_users.EMPTY_404.pk})
    if path == MEDIAS.path:
        for response in (empty, missing):
            page = read(response, MEDIAS.model)
            assert (page.response.items, page.next_page_id, page.response.next_max_id) == ([], None, None)
        return
    assert (missing.status_code, missing.json()["exc_type"]) == (404, "NotFoundError")
    assert empty.status_code == 200
    if path == PINNED:
        assert empty.json() == []
    else:
        assert msgspec.json.decode(empty.content, type=Chunk) == ([], None)


REFUSALS: Sequence[tuple[str, int, str]] = [
    ("user_id=natgeo", 400, "ValidationError"),
    ("user_id=", 400, "ValidationError"),
    (f"user_id={fixture_users.PRIVATE.pk}", 403, "PrivateAccount"),
    ("user_id=1", 404, "UserNotFound"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("query", "status", "exc_type"), REFUSALS)
async def test_refusals_are_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, path: str, query: str, status: int, exc_type: str
) -> None:
    response = await client.get(f"{path}?{query}")
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_missing_user_is_not_charged(client: httpx.AsyncClient, sandbox: Sandbox, path: str) -> None:
    assert (await client.get(path)).status_code == 422
    assert sandbox.meter.total_billed == 0


async def test_a_bad_amount_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{PINNED}?user_id=787132&amount=few")).status_code == 400

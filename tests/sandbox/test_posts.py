from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from starlette.applications import Starlette

from gateway.domain.ids import code_of
from gateway.sandbox import Sandbox, create_sandbox, fixture_users
from gateway.sandbox.entities import PostKind, User
from gateway.sandbox.feed import post_pk
from gateway.sandbox.world import DAY, EPOCH, FEED_SPAN, POPULATION, World
from tests.profiles import examples
from tests.sandbox import contract
from tests.sandbox.contract_posts import Media, RawUser, Resource
from tests.sandbox.harness import NOON, ORIGIN, SteppedClock, client_of, held

BY_ID, BY_CODE, BY_URL = "/v1/media/by/id", "/v1/media/by/code", "/v1/media/by/url"
NATGEO = fixture_users.NATGEO
PHOTO = post_pk(NATGEO, EPOCH, PostKind.PHOTO)
CODE = code_of(PHOTO)


@pytest.fixture(scope="module")
def shared() -> Starlette:
    """One app for all examples: these tests only read."""
    return create_sandbox(clock=SteppedClock(), base_url=ORIGIN)


async def ask(client: httpx.AsyncClient, path: str, **params: str | int) -> Media:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return msgspec.json.decode(response.content, type=Media)


async def posts_of(client: httpx.AsyncClient, user: User, kind: PostKind, number: int = 60) -> list[Media]:
    """The user's posts of one kind from so many days."""
    return [await ask(client, BY_ID, id=post_pk(user, EPOCH - day * DAY, kind)) for day in range(number)]


@given(st.integers(0, POPULATION - 1), st.integers(0, FEED_SPAN - 1), st.sampled_from(PostKind))
@examples(100)
async def test_posts_follow_the_contract_by_id_code_and_url(
    shared: Starlette, index: int, age: int, kind: PostKind
) -> None:
    user = held(shared).world.user(index)
    pk = post_pk(user, EPOCH - age, kind)
    async with client_of(shared) as client:
        by_id = await client.get(BY_ID, params={"id": pk})
        by_whole_id = await client.get(BY_ID, params={"id": f"{pk}_{user.pk}"})
        by_code = await client.get(BY_CODE, params={"code": code_of(pk)})
        by_url = await client.get(BY_URL, params={"url": f"https://www.instagram.com/p/{code_of(pk)}/"})
    assert by_id.content == by_whole_id.content == by_code.content == by_url.content
    if user.is_private:
        assert (by_id.status_code, by_id.json()["exc_type"]) == (403, "PrivateAccount")
        return
    media = msgspec.json.decode(by_id.content, type=Media)
    assert (media.pk, media.id, media.code) == (str(pk), f"{pk}_{user.pk}", code_of(pk))
    assert media.taken_at_ts == EPOCH - age == datetime.fromisoformat(media.taken_at).timestamp()
    assert (media.media_type, media.product_type) == kind.value
    assert (str(media.user.pk), media.user.username) == (str(user.pk), user.username)
    assert isinstance(media.user.pk, int) == user.integer_pk
    check_files(media)


def check_files(media: Media) -> None:
    """Photos have pictures, videos have both, and an album has them in its resources alone."""
    is_album, is_video = media.media_type == 8, media.media_type == 2
    assert (media.thumbnail_url is None) == is_album
    assert [version.url for version in media.image_versions] == ([media.thumbnail_url] if not is_album else [])
    assert [version.url for version in media.video_versions] == ([media.video_url] if is_video else [])
    assert bool(media.video_url) == bool(media.video_duration) == is_video
    assert bool(media.resources) == is_album
    for resource in media.resources:
        assert (resource.carousel_parent_id, resource.taken_at) == (media.id, media.taken_at_ts)
        assert resource.id == f"{resource.pk}_{media.user.pk}"
        assert resource.thumbnail_url == resource.image_versions[0].url
        assert bool(resource.video_url) == bool(resource.video_versions) == (resource.media_type == 2)


async def test_albums_hold_photos_and_videos_with_pks_of_their_own(client: httpx.AsyncClient) -> None:
    albums = await posts_of(client, NATGEO, PostKind.ALBUM)
    resources = [resource for album in albums for resource in album.resources]
    assert all(2 <= len(album.resources) <= 10 for album in albums)
    assert {resource.media_type for resource in resources} == {1, 2}
    assert len({resource.pk for resource in resources} | {album.pk for album in albums}) == len(resources) + len(albums)


async def test_hidden_counts_are_zero_and_plays_are_told_of_videos_alone(client: httpx.AsyncClient) -> None:
    reels = await posts_of(client, NATGEO, PostKind.REEL)
    hidden = [reel for reel in reels if reel.like_and_view_counts_disabled]
    assert hidden
    assert all((reel.like_count, reel.play_count) == (0, 0) for reel in hidden)
    assert all(reel.like_count and reel.play_count for reel in reels if reel not in hidden)
    assert any(reel.play_count > 2**31 for reel in reels)
    assert not any(photo.play_count for photo in await posts_of(client, NATGEO, PostKind.PHOTO))


async def test_where_comments_are_disabled_there_are_none(client: httpx.AsyncClient) -> None:
    photos = await posts_of(client, NATGEO, PostKind.PHOTO)
    assert {photo.comment_count for photo in photos if photo.comments_disabled} == {0}
    assert any(photo.comment_count for photo in photos)


async def test_some_posts_have_a_place_people_and_sponsors(client: httpx.AsyncClient) -> None:
    photos = await posts_of(client, NATGEO, PostKind.PHOTO)
    places = [photo.location for photo in photos if photo.location]
    assert 0 < len(places) < len(photos)
    assert {place.lat is None for place in places} == {place.lng is None for place in places} == {True, False}
    assert {bool(photo.usertags) for photo in photos} == {True, False}
    assert {bool(photo.sponsor_tags) for photo in photos} == {True, False}
    assert all(photo.is_paid_partnership == bool(photo.sponsor_tags) for photo in photos)
    assert {photo.caption_text == "" for photo in photos} == {True, False}


async def test_only_long_videos_have_a_title_and_only_photos_an_accessibility_caption(
    client: httpx.AsyncClient,
) -> None:
    for kind in PostKind:
        for media in await posts_of(client, NATGEO, kind, 3):
            assert bool(media.title) == (kind is PostKind.LONG_VIDEO)
            assert bool(media.accessibility_caption) == (kind is PostKind.PHOTO)


async def test_coauthors_are_raw_users_in_each_of_their_spellings(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    coauthors = [
        user for post in await posts_of(client, NATGEO, PostKind.REEL, 120) for user in post.coauthor_producers
    ]
    for user in coauthors:
        known = sandbox.world.user_by_pk(int(user.pk_id))
        assert known is not None
        assert (user.username, user.is_private) == (known.username, known.is_private)
        assert set(pks_in(user)) == {user.pk_id}
        assert (user.latest_reel_media is None) == user.is_private
    assert {type(user.pk) for user in coauthors} == {int, str, msgspec.UnsetType}
    assert {type(user.fbid_v2) for user in coauthors} == {int, str}


def pks_in(user: RawUser) -> Iterator[str]:
    if not isinstance(user.pk, msgspec.UnsetType):
        yield str(user.pk)
        return
    assert isinstance(user.id, str)
    assert isinstance(user.strong_id__, str)
    yield from (user.id, user.strong_id__)


async def test_a_coauthors_newest_live_story_is_told_or_zero(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    coauthors = [
        user for post in await posts_of(client, NATGEO, PostKind.REEL, 120) for user in post.coauthor_producers
    ]
    told = {int(user.pk_id): user.latest_reel_media for user in coauthors if not user.is_private}
    assert any(told.values())
    assert 0 in told.values()
    for pk, newest in told.items():
        user = sandbox.world.user_by_pk(pk)
        assert user is not None
        times = [story.taken_at for story in sandbox.world.stories(user, int(NOON))]
        assert newest == (times[-1] if times else 0)


async def test_the_pictures_and_videos_of_a_post_and_of_an_album_can_be_fetched(client: httpx.AsyncClient) -> None:
    reel = await ask(client, BY_ID, id=post_pk(NATGEO, EPOCH, PostKind.REEL))
    album = next(
        each
        for each in await posts_of(client, NATGEO, PostKind.ALBUM)
        if any(resource.video_url for resource in each.resources)
    )
    shown: list[Media | Resource] = [reel, *album.resources]
    images = [version for each in shown for version in each.image_versions]
    videos = [version for each in shown for version in each.video_versions]
    assert len(images) == 1 + len(album.resources)
    del client.headers["x-access-key"]
    for version in images:
        with Image.open(io.BytesIO((await client.get(version.url)).content)) as image:
            assert image.size == (version.width, version.height)
    for video in videos:
        response = await client.get(video.url)
        assert (response.status_code, response.headers["content-type"]) == (200, "video/mp4")
        assert b"moov" in response.content


async def test_each_embedded_post_opens_by_its_pk_and_by_its_code(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """One of them is a private user's."""
    pk = fixture_users.highlight_pk(fixture_users.ATTACHED, 0)
    items = (await client.get("/v1/highlight/by/id", params={"id": pk})).json()["items"]
    statuses = []
    for embedded in (media for item in items for media in item["medias"]):
        by_id = await client.get(BY_ID, params={"id": embedded["media_pk"]})
        by_code = await client.get(BY_CODE, params={"code": embedded["media_code"]})
        assert by_id.content == by_code.content
        author = sandbox.world.user_by_pk(embedded["user_id"])
        assert author is not None
        assert by_id.status_code == (403 if author.is_private else 200)
        statuses.append(by_id.status_code)
        if by_id.status_code == 200:
            media = msgspec.json.decode(by_id.content, type=Media)
            assert (media.pk, str(media.user.pk)) == (embedded["media_pk"], str(embedded["user_id"]))
            assert media.product_type == embedded["product_type"]
    assert sorted(statuses) == [200, 200, 200, 200, 403]


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.instagram.com/p/{CODE}/",
        f"https://instagram.com/reel/{CODE}",
        f"https://www.instagram.com/reels/{CODE}/?igsh=1",
        f"https://m.instagram.com/tv/{CODE}/",
        f"https://www.instagram.com/natgeo/p/{CODE}/?img_index=2",
    ],
)
async def test_every_form_of_link_leads_to_the_post(client: httpx.AsyncClient, url: str) -> None:
    assert (await ask(client, BY_URL, url=url)).pk == str(PHOTO)


async def test_a_renamed_user_is_named_anew_in_its_posts(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.world.rename(NATGEO.pk, "nationalgeographic")
    assert (await ask(client, BY_ID, id=PHOTO)).user.username == "nationalgeographic"


def story_of(user: User) -> int:
    world = World()
    return world.items(world.tray(user)[0])[0].pk


PRIVATE_POST = post_pk(fixture_users.PRIVATE, EPOCH, PostKind.REEL)
SALWAAA_ITEM = 3772053608293416704
LINK = "https://www.instagram.com"
REFUSALS = [
    (f"{BY_ID}?id=first", 400, "ValidationError"),
    (f"{BY_ID}?id={PHOTO}_1_2", 400, "ValidationError"),
    (f"{BY_ID}?id=", 400, "ValidationError"),
    (f"{BY_ID}?id={story_of(fixture_users.MIXED)}", 400, "ValidationError"),
    (f"{BY_ID}?id={SALWAAA_ITEM}_{fixture_users.SALWAAA_PK}", 400, "ValidationError"),
    (f"{BY_CODE}?code={code_of(story_of(fixture_users.MIXED))}", 400, "ValidationError"),
    (f"{BY_CODE}?code=no%20code", 400, "ValidationError"),
    (f"{BY_CODE}?code=", 400, "ValidationError"),
    (f"{BY_URL}?url={CODE}", 400, "ValidationError"),
    (f"{BY_URL}?url=https://example.com/p/{CODE}/", 400, "ValidationError"),
    (f"{BY_URL}?url=https://[/p/{CODE}/", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/natgeo/", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/p/{CODE}/embed/", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/stories/natgeo/{story_of(fixture_users.MIXED)}/", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/stories/highlights/18085475671830440/", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw", 400, "ValidationError"),
    (f"{BY_URL}?url={LINK}/share/p/{CODE}/", 400, "ValidationError"),
    (f"{BY_ID}?id={PRIVATE_POST}", 403, "PrivateAccount"),
    (f"{BY_CODE}?code={code_of(PRIVATE_POST)}", 403, "PrivateAccount"),
    (f"{BY_URL}?url={LINK}/reel/{code_of(PRIVATE_POST)}/", 403, "PrivateAccount"),
    (f"{BY_ID}?id=1", 404, "MediaNotFound"),
    (f"{BY_ID}?id={PHOTO + 1}", 404, "MediaNotFound"),
    (f"{BY_ID}?id={PHOTO}_{fixture_users.SALWAAA_PK}", 404, "MediaNotFound"),
    (f"{BY_ID}?id={fixture_users.highlight_pk(NATGEO, 0)}", 404, "MediaNotFound"),
    (f"{BY_CODE}?code=DRqAYKuAIUx", 404, "MediaNotFound"),
    (f"{BY_URL}?url={LINK}/p/DRqAYKuAIUx/", 404, "MediaNotFound"),
]


@pytest.mark.parametrize(("target", "status", "exc_type"), REFUSALS)
async def test_refusals_are_charged_and_come_in_the_endpoint_layers_envelope(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, exc_type: str
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == 1


@pytest.mark.parametrize("target", [BY_ID, f"{BY_CODE}?id=1", f"{BY_URL}?code=1"])
async def test_a_missing_parameter_is_refused_and_costs_nothing(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str
) -> None:
    response = await client.get(target)
    assert response.status_code == 422
    detail = msgspec.json.decode(response.content, type=contract.MissingParameter).detail
    assert detail[0].loc == ["query", target.split("?", maxsplit=1)[0].rpartition("/")[2]]
    assert sandbox.meter.total_billed == 0

"""Every user has posts, found by their pks alone, and the CDN has their pictures and videos."""

from __future__ import annotations

import io

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.sandbox import Sandbox, fixture_users, ids
from gateway.sandbox.cdn import Signer
from gateway.sandbox.entities import PostKind
from gateway.sandbox.feed import KINDS, post_pk
from gateway.sandbox.pictures import Frame
from gateway.sandbox.world import DAY, EPOCH, FEED_SPAN, POPULATION, World
from tests.sandbox.harness import NOON, ORIGIN

WORLD = World()


@given(st.integers(0, POPULATION - 1), st.integers(0, FEED_SPAN - 1), st.sampled_from(PostKind))
def test_a_post_is_found_by_its_pk_alone_and_is_the_same_each_time(index: int, age: int, kind: PostKind) -> None:
    user = WORLD.user(index)
    pk = post_pk(user, EPOCH - age, kind)
    post = WORLD.post_by_pk(pk)
    assert post is not None
    assert (post.pk, post.user, post.taken_at, post.kind) == (pk, user, EPOCH - age, kind)
    assert post.id == f"{pk}_{user.pk}"
    assert World().post_by_pk(pk) == post


@given(st.integers(0, 2**70))
def test_a_number_that_is_no_post_is_unknown(pk: int) -> None:
    """A random number is one of the feed's with a chance of one in billions."""
    assert WORLD.post_by_pk(pk) is None


def test_what_is_beside_the_feed_is_unknown() -> None:
    natgeo = fixture_users.NATGEO
    assert WORLD.post_by_pk(post_pk(natgeo, EPOCH, PostKind.PHOTO)) is not None
    assert WORLD.post_by_pk(post_pk(natgeo, EPOCH, PostKind.PHOTO) + 1) is None
    assert WORLD.post_by_pk(post_pk(natgeo, EPOCH + 1, PostKind.PHOTO)) is None
    assert WORLD.post_by_pk(post_pk(natgeo, EPOCH - FEED_SPAN, PostKind.PHOTO)) is None
    assert WORLD.post_by_pk(ids.post_pk(EPOCH, POPULATION, 0)) is None
    assert WORLD.post_by_pk(ids.post_pk(EPOCH, natgeo.index, len(KINDS))) is None


def test_a_post_is_no_item_and_an_item_is_no_post() -> None:
    assert WORLD.item(post_pk(fixture_users.MIXED, EPOCH, PostKind.REEL)) is None
    for highlight in WORLD.tray(fixture_users.MIXED):
        assert all(WORLD.post_by_pk(item.pk) is None for item in WORLD.items(highlight))


def test_albums_alone_have_entries_which_are_no_posts_of_their_own() -> None:
    for kind in PostKind:
        posts = [WORLD.post_by_pk(post_pk(fixture_users.NATGEO, EPOCH - day * DAY, kind)) for day in range(40)]
        entries = [entry for post in posts if post for entry in post.entries]
        assert bool(entries) == (kind is PostKind.ALBUM)
        if kind is PostKind.ALBUM:
            assert {entry.is_video for entry in entries} == {True, False}
            assert len({entry.pk for entry in entries}) == len(entries)
            assert {len(post.entries) for post in posts if post} == set(range(2, 11))
        assert all(WORLD.post_by_pk(entry.pk) is None for entry in entries)


async def test_the_post_that_a_sticker_embeds_exists(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    pk = fixture_users.highlight_pk(fixture_users.ATTACHED, 0)
    items = (await client.get("/v1/highlight/by/id", params={"id": pk})).json()["items"]
    embedded = [media for item in items for media in item["medias"]]
    assert len(embedded) == 5
    for media in embedded:
        post = sandbox.world.post_by_pk(int(media["media_pk"]))
        assert post is not None
        assert (post.user.pk, post.kind.product_type) == (media["user_id"], media["product_type"])


@pytest.mark.parametrize("number", [0, 1, 10])
async def test_a_post_and_the_entries_of_an_album_have_pictures(client: httpx.AsyncClient, number: int) -> None:
    pk = ids.post_pk(EPOCH, fixture_users.NATGEO.index, KINDS.index(PostKind.ALBUM), number)
    response = await client.get(Signer(ORIGIN).image(Frame.POST, pk, int(NOON)))
    assert response.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(response.content)) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (480, 600))


async def test_a_post_has_a_video(client: httpx.AsyncClient) -> None:
    pk = post_pk(fixture_users.NATGEO, EPOCH, PostKind.REEL)
    response = await client.get(Signer(ORIGIN).video(pk, int(NOON)))
    assert (response.status_code, response.headers["content-type"]) == (200, "video/mp4")

"""Hashtags: counted by the posts that carry them, and listed in the layout of the platform's page."""

from __future__ import annotations

from itertools import pairwise

import httpx
import msgspec
import pytest
from msgspec import UNSET

from gateway.sandbox import Sandbox, names
from tests.sandbox import contract
from tests.sandbox.contract_lists import Hashtag, NamedHashtag, RawMedia, Sections
from tests.sandbox.walks import MEDIAS, RECENT, TOP, Walk, pk_of, read

BY_NAME, SEARCH = "/v1/hashtag/by/name", "/v1/search/hashtags"
EXACT = ["goldenhourclub", "onlyhere"]
ORDERS = [RECENT, TOP]


async def named(client: httpx.AsyncClient, name: str) -> NamedHashtag:
    return read(await client.get(BY_NAME, params={"name": name}), NamedHashtag)


def taken_at(post: RawMedia) -> int:
    moment = post.long_taken_at if post.taken_at is UNSET else post.taken_at
    assert isinstance(moment, int)
    return moment


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("walk", ORDERS, ids=str)
async def test_the_lists_hold_as_many_posts_as_the_hashtag_counts(
    client: httpx.AsyncClient, walk: Walk, name: str
) -> None:
    hashtag = await named(client, name)
    posts: list[RawMedia] = await walk.of(name=name).all(client)
    assert len({pk_of(post) for post in posts}) == hashtag.media_count
    for post in posts:
        assert post.caption is not None
        assert f"#{name}" in post.caption.text.split()
        assert not post.user.is_private


@pytest.mark.parametrize("walk", ORDERS, ids=str)
async def test_the_list_of_a_popular_hashtag_ends_and_its_count_is_the_limit(
    client: httpx.AsyncClient, walk: Walk
) -> None:
    hashtag = await named(client, "sunset")
    assert hashtag.media_count == 2_147_483_647
    assert len({pk_of(post) for post in await walk.of(name="sunset").all(client)}) == 400


async def test_a_post_in_the_list_of_its_user_is_in_that_of_its_hashtag(client: httpx.AsyncClient) -> None:
    posts: list[RawMedia] = await MEDIAS.all(client)
    tagged = {pk_of(post) for post in posts if post.caption and "#rooftops" in post.caption.text.split()}
    assert tagged
    assert tagged <= {pk_of(post) for post in await RECENT.all(client)}


async def test_recent_is_nearly_in_order_and_top_is_not(client: httpx.AsyncClient) -> None:
    recent = [taken_at(post) for post in in_lists(await RECENT.page(client))]
    top = [taken_at(post) for post in in_lists(await TOP.page(client))]
    assert recent != sorted(recent, reverse=True)
    assert sum(before < after for before, after in pairwise(recent)) < len(recent) / 4
    assert sum(before < after for before, after in pairwise(top)) > len(top) / 4


def in_lists(page: Sections) -> list[RawMedia]:
    """The posts of the rows alone, whose order is that of the list."""
    return [
        entry.media
        for section in page.response.sections
        if section.layout_content.medias
        for entry in section.layout_content.medias
    ]


@pytest.mark.parametrize("walk", ORDERS, ids=str)
async def test_posts_are_in_all_three_places_of_the_layout(client: httpx.AsyncClient, walk: Walk) -> None:
    page: Sections = await walk.page(client)
    first, *rows = page.response.sections
    assert first.layout_content.one_by_two_item
    clips = first.layout_content.one_by_two_item.clips.items
    assert {entry.media.product_type for entry in clips} == {"clips"}
    assert first.layout_content.fill_items
    assert first.layout_content.medias is UNSET
    assert all(row.layout_content.medias and len(row.layout_content.medias) <= 3 for row in rows)
    pks = [pk_of(post) for post in walk.entries(page)]
    assert len(set(pks)) == len(pks) > 50


async def test_the_inner_cursor_is_not_the_outer_one(client: httpx.AsyncClient) -> None:
    page: Sections = await RECENT.page(client)
    assert page.response.next_max_id
    assert page.response.next_max_id != page.next_page_id
    assert page.response.more_available


async def test_each_hashtag_of_a_caption_or_a_sticker_is_known(client: httpx.AsyncClient) -> None:
    for name in names.TAGS:
        assert (await named(client, name)).name == name
    assert (await named(client, "SunSet")).name == "sunset"


async def test_a_search_finds_those_that_contain_the_word(client: httpx.AsyncClient) -> None:
    found = read(await client.get(SEARCH, params={"query": "tiny"}), list[Hashtag])
    assert [each.name for each in found] == ["tinyhouse"]
    by_name = await named(client, "tinyhouse")
    assert (by_name.id, by_name.media_count) == (found[0].id, found[0].media_count)
    assert (await client.get(SEARCH, params={"query": "#Tiny"})).json() == msgspec.to_builtins(found)
    assert (await client.get(SEARCH, params={"query": "nothing at all"})).json() == []
    many = read(await client.get(SEARCH, params={"query": "co"}), list[Hashtag])
    assert [each.name for each in many] == ["coffee", "coastline"]


BY = [BY_NAME, RECENT.path, TOP.path]
REFUSALS = [
    *((f"{path}?name=%23sunset", 400, "ValidationError") for path in BY),
    *((f"{path}?name=", 400, "ValidationError") for path in BY),
    *((f"{path}?name=sunset.", 400, "ValidationError") for path in BY),
    *((f"{path}?name=sunset_", 404, "HashtagNotFound") for path in BY),
    *((f"{path}?name=nosuchtag", 404, "HashtagNotFound") for path in BY),
    (f"{SEARCH}?query=", 400, "ValidationError"),
]


@pytest.mark.parametrize(("target", "status", "exc_type"), REFUSALS)
async def test_refusals_are_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, exc_type: str
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == 1


@pytest.mark.parametrize("path", [*BY, SEARCH])
async def test_a_missing_parameter_is_not_charged(client: httpx.AsyncClient, sandbox: Sandbox, path: str) -> None:
    assert (await client.get(path)).status_code == 422
    assert sandbox.meter.total_billed == 0

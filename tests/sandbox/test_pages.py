"""Rules of every list that is read in pages: cursors are opaque, bound and mortal, and pages are irregular."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import httpx
import pytest

from gateway.sandbox import Sandbox
from gateway.sandbox.cursors import LIFETIME, Place, sealed
from gateway.sandbox.entities import PostKind
from gateway.sandbox.faults import DeadCursors, Status
from gateway.sandbox.feed import post_pk
from gateway.sandbox.world import EPOCH
from tests.sandbox.harness import NOON, SteppedClock
from tests.sandbox.walks import (
    ACCOUNTS,
    CHUNK,
    CLIPS,
    COMMENTS,
    FOLLOWERS,
    FOLLOWING,
    MEDIAS,
    NATGEO,
    OPAQUE,
    RECENT,
    RECENT_PLACE,
    REPLIES,
    TAGGED,
    THIRTYS,
    TOP,
    TOP_PLACE,
    WALKS,
    Walk,
    listed_pk,
    pk_of,
)

REFUSED = (400, "ValidationError")
SIZES = {
    MEDIAS: (9, 12),
    CLIPS: (12, 12),
    TAGGED: (18, 21),
    FOLLOWERS: (15, 25),
    FOLLOWING: (15, 25),
    ACCOUNTS: (18, 20),
    COMMENTS: (15, 15),
    RECENT: (61, 78),
    TOP: (61, 78),
    RECENT_PLACE: (18, 24),
    TOP_PLACE: (18, 24),
}


# Every test begins at the same time, so the first page of a list has the same cursor in all of them.
_cursors: dict[Walk, str] = {}


async def cursor_of(client: httpx.AsyncClient, walk: Walk) -> str:
    if walk not in _cursors:
        cursor = walk.following(await walk.page(client))
        assert cursor
        _cursors[walk] = cursor
    return _cursors[walk]


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_walk_costs_its_pages_which_mostly_have_the_usual_size(
    client: httpx.AsyncClient, sandbox: Sandbox, walk: Walk
) -> None:
    """One entry more is the repeated one, three more are a longer page."""
    pages = await walk.pages(client)
    assert len(pages) > 1
    assert (sandbox.meter.calls[walk.path], sandbox.meter.billed[walk.path]) == (len(pages), len(pages))
    if walk in SIZES:
        low, high = SIZES[walk]
        sizes = [len(walk.entries(page)) for page in pages]
        assert max(sizes) <= high + 4
        usual = [size for size in sizes[:-1] if low <= size <= high + 1]
        assert 2 * len(usual) >= len(sizes) - 1


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_cursor_leads_to_the_same_page_each_time(client: httpx.AsyncClient, walk: Walk) -> None:
    cursor = await cursor_of(client, walk)
    first, again = await walk.page(client, cursor), await walk.page(client, cursor)
    assert walk.entries(first) == walk.entries(again) != []


async def test_some_pages_repeat_are_short_long_or_empty_in_the_middle(client: httpx.AsyncClient) -> None:
    pages = [[pk_of(post) for post in MEDIAS.entries(page)] for page in await MEDIAS.pages(client)]
    shown = [page for page in pages if page]
    repeating = [page for before, page in pairwise(shown) if before[-1] == page[0]]
    sizes = [len(page) for page in pages]
    assert 3 <= len(repeating) < len(pages) // 2
    assert 0 in sizes[1:-1]
    assert any(0 < size < 9 for size in sizes[:-1])
    assert any(size > 13 for size in sizes)
    seen = [pk for page in pages for pk in page]
    assert len(seen) - len(set(seen)) == len(repeating)


@pytest.mark.parametrize("walk", [*OPAQUE], ids=str)
async def test_a_cursor_says_nothing_and_stands_in_an_url_of_any_length(client: httpx.AsyncClient, walk: Walk) -> None:
    cursor = await cursor_of(client, walk)
    assert 50 < len(cursor) <= 400
    assert not any(str(value).encode() in base64.b64decode(cursor) for value in walk.params.values())


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_cursor_of_another_object_is_refused_and_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, walk: Walk
) -> None:
    cursor = await cursor_of(client, walk)
    sandbox.meter.reset()
    assert await walk.refused(client, cursor, **walk.other) == REFUSED
    assert sandbox.meter.billed[walk.path] == 1


async def test_a_cursor_of_another_endpoint_is_refused(client: httpx.AsyncClient) -> None:
    """They are of one user, so the endpoints alone differ."""
    walks = (MEDIAS, CLIPS, TAGGED, FOLLOWERS, FOLLOWING)
    cursors = {walk.path: await cursor_of(client, walk) for walk in walks}
    for walk in walks:
        for path, cursor in cursors.items():
            assert path == walk.path or await walk.refused(client, cursor) == REFUSED


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_what_is_no_cursor_is_refused(client: httpx.AsyncClient, walk: Walk) -> None:
    for cursor in ("25", "x", "787132", "3829449844045389376_1", "AAAA", "é", "=", "a" * 500):
        assert await walk.refused(client, cursor) == REFUSED


async def test_a_changed_cursor_is_refused(client: httpx.AsyncClient) -> None:
    content = bytearray(base64.b64decode(await cursor_of(client, MEDIAS)))
    for place in (3, 5, 9, 10, -1):
        changed = content.copy()
        changed[place] ^= 1
        assert await MEDIAS.refused(client, base64.b64encode(changed).decode()) == REFUSED


@pytest.mark.parametrize("walk", [walk for walk in WALKS if walk not in (REPLIES,)], ids=str)
async def test_the_inner_cursor_looks_right_and_is_refused(
    client: httpx.AsyncClient, sandbox: Sandbox, walk: Walk
) -> None:
    inner = walk.inner(await walk.page(client))
    if inner is None:
        return
    sandbox.meter.reset()
    assert await walk.refused(client, inner) == REFUSED
    assert sandbox.meter.billed[walk.path] == 1


async def test_the_grids_own_cursor_is_refused(client: httpx.AsyncClient) -> None:
    page = await MEDIAS.page(client)
    assert page.response.profile_grid_items_cursor
    assert await MEDIAS.refused(client, page.response.profile_grid_items_cursor) == REFUSED


@pytest.mark.parametrize("walk", OPAQUE, ids=str)
async def test_a_cursor_dies_after_half_an_hour(client: httpx.AsyncClient, clock: SteppedClock, walk: Walk) -> None:
    cursor = await cursor_of(client, walk)
    await clock.sleep(LIFETIME - 1)
    entries = [pk_of(entry) for entry in walk.entries(await walk.page(client, cursor))]
    await clock.sleep(1)
    response = await client.get(walk.path, params={**walk.params, walk.cursor: cursor})
    assert (response.status_code, response.json()["detail"]) == (400, "The cursor has expired")
    assert await walk.refused(client, cursor) == REFUSED
    again = walk.following(await walk.page(client))
    assert [pk_of(entry) for entry in walk.entries(await walk.page(client, again))] == entries


async def test_the_cursor_that_is_the_id_of_a_post_does_not_die(client: httpx.AsyncClient, clock: SteppedClock) -> None:
    first = await CHUNK.page(client)
    await clock.sleep(100 * LIFETIME)
    assert first[1] == first[0][-1].id
    assert (await CHUNK.page(client, first[1]))[0]


async def test_an_id_that_is_not_in_the_list_is_no_cursor(client: httpx.AsyncClient) -> None:
    for pk in (1, listed_pk(0) + 1, post_pk(NATGEO, EPOCH, PostKind.PHOTO), 3772053608293416704):
        assert await CHUNK.refused(client, f"{pk}_{NATGEO.pk}") == REFUSED
    assert await CHUNK.refused(client, str(listed_pk(0))) == REFUSED


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_an_empty_cursor_is_none(client: httpx.AsyncClient, walk: Walk) -> None:
    """As the vendor's kit has it, which drops what is falsy."""
    first, again = await walk.page(client), await walk.page(client, "")
    assert [pk_of(each) for each in walk.entries(first)] == [pk_of(each) for each in walk.entries(again)]


async def test_a_place_after_the_end_is_an_empty_last_page(client: httpx.AsyncClient) -> None:
    cursor = sealed(MEDIAS.path, "787132", Place(240, 3), int(NOON))
    page = await MEDIAS.page(client, cursor)
    assert (MEDIAS.entries(page), page.next_page_id, page.response.more_available) == ([], None, False)


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_dead_cursors_are_refused_and_first_pages_are_not(
    client: httpx.AsyncClient, sandbox: Sandbox, walk: Walk
) -> None:
    cursor = await cursor_of(client, walk)
    sandbox.faults.lay(DeadCursors(endpoint=walk.path, times=1))
    sandbox.meter.reset()
    await walk.page(client)
    assert await walk.refused(client, cursor) == REFUSED
    assert (sandbox.meter.calls[walk.path], sandbox.meter.billed[walk.path]) == (2, 2)
    await walk.page(client, cursor)


async def test_cursors_of_other_paths_live_on(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    cursor, other = await cursor_of(client, MEDIAS), await cursor_of(client, FOLLOWERS)
    sandbox.faults.lay(DeadCursors(endpoint=MEDIAS.path))
    assert await MEDIAS.refused(client, cursor) == REFUSED
    await FOLLOWERS.page(client, other)
    assert (await client.get("/v1/user/by/id?id=787132")).status_code == 200


async def test_cursors_die_over_http_too(client: httpx.AsyncClient) -> None:
    cursor = await cursor_of(client, MEDIAS)
    fault = {"kind": "dead_cursors", "endpoint": "/g2/*"}
    assert (await client.post("/_control/faults", json={"faults": [fault]})).status_code == 200
    assert await MEDIAS.refused(client, cursor) == REFUSED


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_an_endpoint_can_be_retired_and_then_costs_nothing(
    client: httpx.AsyncClient, sandbox: Sandbox, walk: Walk
) -> None:
    sandbox.faults.lay(Status(status=410, endpoint=walk.path))
    response = await client.get(walk.path, params=dict(walk.params))
    assert (response.status_code, response.json()["exc_type"]) == (410, "EndpointDeprecated")
    assert json.loads(response.headers["x-hiker-info"]) == {"reqs": 1}
    assert sandbox.meter.total_billed == 0


@pytest.mark.parametrize(
    ("walk", "shown"), [(MEDIAS, 120), (CHUNK, 120), (CLIPS, 120), (FOLLOWERS, 15), (FOLLOWING, 400)], ids=str
)
async def test_a_very_long_list_ends_before_its_last_entry(client: httpx.AsyncClient, walk: Walk, shown: int) -> None:
    """The platform gives up without a word: the cursor is null, and the profile says more."""
    entries = await walk.of(**THIRTYS).all(client)
    assert len({pk_of(entry) for entry in entries}) == shown

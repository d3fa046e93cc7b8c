"""A list of a thousand entries over a failing upstream: nothing is returned or bought twice, or missing unsaid."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.clock import VirtualClock
from tests.robustness.long_lists import PAGE, LongList, Reader, Walk, pages_of, reading, refusal, user

COUNT = 1_000
TRANSIENT = [refusal(429), refusal(429, **{"retry-after": "2"}), refusal(500, "InternalError"), refusal(503)]
LASTING = {429: "UPSTREAM_RATE_LIMITED", 500: "UPSTREAM_UNAVAILABLE", 503: "UPSTREAM_UNAVAILABLE"}


def irregular(count: int = COUNT) -> LongList:
    """Pages that overlap, and one in the middle without an entry."""
    pages = pages_of(count, overlap=3)
    half = len(pages) // 2
    return LongList([*pages[:half], [], *pages[half:]])


@pytest.mark.parametrize(
    ("first", "count"), [(1, 120), (7, 300), (25, COUNT), (40, COUNT), (100, COUNT), (None, COUNT)]
)
async def test_each_entry_comes_once_and_each_page_is_bought_once(
    tmp_path: Path, first: int | None, count: int
) -> None:
    upstream = irregular(count)
    upstream.failures = {number: [TRANSIENT[number % 4]] for number in range(0, 40, 3)}
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walk = await reader.walk(first)
    assert (walk.is_done, walk.errors) == (True, [])
    assert walk.ids == upstream.ids == [str(pk) for pk in range(1, count + 1)]
    assert upstream.bought == dict.fromkeys(range(len(upstream.pages)), 1)
    assert walk.charged == upstream.billed == len(upstream.pages)


@pytest.mark.parametrize("status", LASTING)
@pytest.mark.parametrize("first", [None, 60])
async def test_a_page_that_fails_is_said_and_read_on_from(tmp_path: Path, status: int, first: int | None) -> None:
    upstream = irregular()
    upstream.failures = {number: [refusal(status)] * 3 for number in (5, 11, 20, 21)}
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walk = await reader.walk(first)
        assert (walk.is_done, walk.ids) == (True, upstream.ids)
        assert walk.errors == [LASTING[status]] * 4
    assert set(upstream.bought.values()) == {1}
    assert walk.charged == upstream.billed == len(upstream.pages)


async def test_what_was_read_before_a_failure_is_returned_with_it(tmp_path: Path) -> None:
    upstream = LongList(pages_of(COUNT), {2: [refusal(503)] * 3})
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walk = Walk()
        answer = await reader.step(walk, 100)
        part = answer.data["user"]["followers"]
        assert len(part["nodes"]) == 2 * PAGE
        assert part["pageInfo"]["hasNextPage"]
        assert part["pageInfo"]["endCursor"] == part["edges"][-1]["cursor"]
        assert answer.errors == [("user.followers", "UPSTREAM_UNAVAILABLE")]
        assert (await reader.walk(100, walk)).ids == upstream.ids
    assert set(upstream.bought.values()) == {1}


async def test_a_first_page_that_fails_leaves_nothing(tmp_path: Path) -> None:
    upstream = LongList(pages_of(COUNT), {0: [refusal(503)] * 3})
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        answer = await reader.page()
        assert answer.data["user"]["followers"] is None
        assert answer.errors == [("user.followers", "UPSTREAM_UNAVAILABLE")]
        assert (await reader.page()).errors == []


async def dead_after(reader: Reader, pages: int) -> Walk:
    """A walk of so many pages, after which the upstream forgets its cursors."""
    walk = Walk()
    for _ in range(pages):
        await reader.step(walk, None)
    reader.upstream.session += 1
    return walk


async def test_a_dead_cursor_is_said_and_paid_once(tmp_path: Path) -> None:
    upstream = LongList(pages_of(COUNT))
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walk = await dead_after(reader, 4)
        answer = await reader.page(after=walk.cursor)
        assert answer.data["user"]["followers"] is None
        (error,) = answer.body["errors"]
        assert error["extensions"]["code"] == "CURSOR_EXPIRED"
        assert error["extensions"]["startOverCosts"] == 1
        assert error["extensions"]["charged"] == answer.charged == 1
        again = await reader.page(after=walk.cursor)
        assert (again.errors, again.charged, upstream.refused) == (answer.errors, 0, 1)
        assert "charged" not in again.body["errors"][0]["extensions"]  # nothing is charged for it again


async def test_what_was_read_before_a_dead_cursor_is_returned_with_it(tmp_path: Path) -> None:
    upstream = LongList(pages_of(COUNT))
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        await dead_after(reader, 2)
        answer = await reader.page(first=100)
        part = answer.data["user"]["followers"]
        assert len(part["nodes"]) == 2 * PAGE
        assert (part["pageInfo"]["hasNextPage"], part["pageInfo"]["endCursor"]) == (False, None)  # none leads on
        assert answer.errors == [("user.followers", "CURSOR_EXPIRED")]


async def test_starting_over_after_a_dead_cursor_leads_to_the_end(tmp_path: Path) -> None:
    """The first page is bought again, as the error says: a fresh one in the cache leads to the dead cursor again."""
    upstream = LongList(pages_of(COUNT))
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walk = await dead_after(reader, 4)
        await reader.step(walk, None)
        assert walk.errors == ["CURSOR_EXPIRED"]
        over = await reader.walk(most=60)
        assert (over.errors, over.ids, over.is_done) == ([], upstream.ids, True)
        assert over.charged == len(upstream.pages)


async def test_two_clients_buy_each_page_once(tmp_path: Path) -> None:
    upstream = irregular(300)
    upstream.failures = {number: [refusal(503)] for number in (3, 9)}
    async with reading(tmp_path, upstream, VirtualClock()) as reader:
        walks = await asyncio.gather(*(reader.walk(first) for first in (None, None, 10, 100)))
    for walk in walks:
        assert (walk.ids, walk.errors) == (upstream.ids, [])
    assert upstream.bought == dict.fromkeys(range(len(upstream.pages)), 1)
    assert sum(walk.charged for walk in walks) == upstream.billed == len(upstream.pages)


async def test_a_list_that_shrinks_or_grows_behind_a_cursor_repeats_nothing(tmp_path: Path) -> None:
    """Within a page that is bought again the position is a count; what was returned last is recognized."""
    upstream = LongList(pages_of(100))
    clock = VirtualClock()
    async with reading(tmp_path, upstream, clock, ttl_people=60, stale_limit=0) as reader:
        for change in (-5, 5):
            walk = Walk()
            await reader.step(walk, 10)
            await clock.sleep(100)
            firsts = [user(pk) for pk in range(2_000, 2_005)]
            upstream.pages = [
                [*firsts, *upstream.pages[0]] if change > 0 else upstream.pages[0][5:],
                *upstream.pages[1:],
            ]
            walk = await reader.walk(10, walk)
            assert len(walk.ids) == len(set(walk.ids))
            assert walk.ids[-75:] == [str(pk) for pk in range(26, 101)]

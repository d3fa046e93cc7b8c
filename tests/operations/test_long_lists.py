"""Long lists through their cursors, as a client of the whole gateway sees them.

`tests/robustness/test_long_lists.py` reads the same lists over a failing upstream, in virtual time.
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import Answer, WallClock, details
from tests.operations.test_partial import serving
from tests.robustness.long_lists import PAGE, PARTIAL, LongList, Reader, Walk, pages_of, reading, user

COUNT = 1_000
LIKERS = '{ media(by: { id: "11" }) { likers { totalCount } } }'
COMMENTS = (
    '{ media(by: { id: "11" }) { commentCount comments { totalCount nodes { id likeCount replyCount '
    "replies { totalCount } } } } }"
)


async def first_cursor(reader: Reader, first: int = 10) -> str:
    answer = await reader.page(first=first)
    return str(answer.data["user"]["followers"]["pageInfo"]["endCursor"])


def refused(answer: Answer, field: str = "after") -> str:
    """The message of the refusal, which names the argument."""
    (error,) = answer.body["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", field)
    assert field in error["message"]
    assert answer.charged == 0
    return str(error["message"])


# -- reading to the end


async def test_a_list_is_read_once_by_all_while_it_is_fresh(tmp_path: Path) -> None:
    upstream = LongList(pages_of(COUNT, overlap=2))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        one, other = await asyncio.gather(reader.walk(), reader.walk(100))
        again = await reader.walk(40)
    assert one.ids == other.ids == again.ids == upstream.ids
    assert len(upstream.ids) == COUNT
    assert (upstream.calls, upstream.billed) == (len(upstream.pages), len(upstream.pages))
    assert (one.charged + other.charged, again.charged) == (upstream.billed, 0)


async def test_a_cursor_outlives_the_gateway(tmp_path: Path) -> None:
    upstream = LongList(pages_of(200, overlap=2))
    walk = Walk()
    async with reading(tmp_path, upstream, WallClock()) as reader:
        await reader.step(walk, 60)
    async with reading(tmp_path, upstream, WallClock()) as reader:
        await reader.walk(60, walk)
    assert (walk.ids, walk.errors) == (upstream.ids, [])
    assert upstream.bought.total() <= len(upstream.pages) + 1  # the page in the middle of which it ended


async def test_a_cursor_of_another_gateway_is_refused(tmp_path: Path) -> None:
    upstream = LongList(pages_of(200))
    async with reading(tmp_path / "one", upstream, WallClock()) as reader:
        cursor = await first_cursor(reader)
    async with reading(tmp_path / "other", upstream, WallClock()) as reader:
        refused(await reader.page(after=cursor))
    async with reading(tmp_path / "one", upstream, WallClock()) as reader:
        assert (await reader.page(after=cursor)).errors == []


async def test_gateways_with_one_secret_read_each_other_s_cursors(tmp_path: Path) -> None:
    upstream, secret = LongList(pages_of(200)), "a secret of two gateways"
    async with reading(tmp_path / "one", upstream, WallClock(), cursor_secret=secret) as reader:
        cursor = await first_cursor(reader)
    async with reading(tmp_path / "other", upstream, WallClock(), cursor_secret=secret) as reader:
        answer = await reader.page(after=cursor, first=5)
        assert [node["id"] for node in answer.data["user"]["followers"]["nodes"]] == ["11", "12", "13", "14", "15"]


async def test_a_list_that_the_platform_gives_up_on_has_no_next_page(tmp_path: Path) -> None:
    """The number of followers says that there are more."""
    upstream = LongList(pages_of(60))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        walk = await reader.walk()
        assert (walk.is_done, walk.ids, walk.errors) == (True, upstream.ids, [])


async def test_an_empty_list_has_no_cursors(tmp_path: Path) -> None:
    async with reading(tmp_path, LongList([[]]), WallClock()) as reader:
        page = (await reader.page()).data["user"]["followers"]
    info = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert page == {"nodes": [], "edges": [], "pageInfo": info}


async def test_a_page_without_entries_leads_on(tmp_path: Path) -> None:
    upstream = LongList([*pages_of(25), [], [], [user(26)]])
    async with reading(tmp_path, upstream, WallClock()) as reader:
        walk = Walk()
        counts = []
        while not walk.is_done:
            answer = await reader.step(walk, 25)
            counts.append(len(answer.data["user"]["followers"]["nodes"]))
    assert (walk.ids, walk.errors) == (upstream.ids, [])
    assert counts[0] == 25
    assert sum(counts) == 26


async def test_a_page_may_repeat_all_of_a_large_one(tmp_path: Path) -> None:
    """Pages of hashtags have up to 78 entries. The digests in the cursor are of that many."""
    upstream = LongList([[user(pk) for pk in range(1, 79)], [user(pk) for pk in range(1, 101)]])
    async with reading(tmp_path, upstream, WallClock()) as reader:
        assert (await reader.walk()).ids == upstream.ids


# -- positions


async def test_the_cursor_of_each_edge_leads_to_the_entry_after_it(tmp_path: Path) -> None:
    upstream = LongList(pages_of(60, overlap=3))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        page = (await reader.page(first=60)).data["user"]["followers"]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        for at, edge in enumerate(page["edges"], 1):
            rest = await reader.page(first=100, after=edge["cursor"])
            found = rest.data["user"]["followers"]
            assert [node["id"] for node in found["nodes"]] == upstream.ids[at:]
            assert found["pageInfo"]["hasPreviousPage"]
    assert upstream.bought == dict.fromkeys(range(3), 1)


async def test_equal_positions_have_equal_cursors(tmp_path: Path) -> None:
    """Else no response of a page could be cached."""
    async with reading(tmp_path, LongList(pages_of(60)), WallClock()) as reader:
        pages = [(await reader.page(first=30)).data["user"]["followers"] for _ in range(2)]
        assert pages[0] == pages[1]


async def test_a_cursor_says_nothing_of_the_upstream(tmp_path: Path) -> None:
    async with reading(tmp_path, LongList(pages_of(60)), WallClock()) as reader:
        cursor = await first_cursor(reader, 30)
    content = base64.urlsafe_b64decode(cursor + "==")
    assert b"+/=&" not in content
    assert cursor.replace("-", "").replace("_", "").isalnum()


# -- what is refused


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1, -(2**31)])
async def test_first_is_from_1_to_100(tmp_path: Path, first: int) -> None:
    upstream = LongList(pages_of(60))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        assert refused(await reader.page(first=first), "first") == "first must be from 1 to 100."
    assert upstream.calls == 0


async def test_altered_cursors_are_refused_before_anything_is_bought(tmp_path: Path) -> None:
    upstream = LongList(pages_of(60))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        cursor = await first_cursor(reader)
        calls = upstream.calls
        flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(0, 60, 7)]
        odd = [
            cursor[:-8],
            cursor + "AAAA",
            cursor * 2,
            f" {cursor}",
            cursor[::-1],
            "\u00e9",
            "\x00",
            ".",
        ]
        odd += [cursor[::-1], "\u00e9", "\x00", ".", "", "-", "null"]
        for after in [*flipped, *odd, "A" * 9_000, cursor + "A" * 9_000, "A" * 100_000]:
            answer = await reader.page(after=after)
            assert answer.errors, after[:200]
            refused(answer)
        assert upstream.calls == calls


OTHERS = {
    "another owner": ("user(by: { id: 8 }) { %s }", "followers(after: $after) { nodes { id } }"),
    "another list": ("user(by: { id: 7 }) { %s }", "following(after: $after) { nodes { id } }"),
    "a list of posts": ("user(by: { id: 7 }) { %s }", "media(after: $after) { nodes { id } }"),
    "reels": ("user(by: { id: 7 }) { %s }", "media(kind: REELS, after: $after) { nodes { id } }"),
    "a search in the list": ("user(by: { id: 7 }) { %s }", 'followers(matching: "a", after: $after) { nodes { id } }'),
    "a search": ("%s", 'searchUsers(query: "7", after: $after) { nodes { id } }'),
    "a hashtag": ('hashtag(name: "7") { %s }', "media(after: $after) { nodes { id } }"),
    "a location": ('location(id: "7") { %s }', "media(after: $after) { nodes { id } }"),
    "highlights": ("user(by: { id: 7 }) { %s }", "highlights(after: $after) { nodes { id } }"),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_a_cursor_is_of_one_list_alone(tmp_path: Path, name: str) -> None:
    around, field = OTHERS[name]
    upstream = LongList(pages_of(60))
    async with reading(tmp_path, upstream, WallClock()) as reader:
        cursor = await first_cursor(reader)
        answer = await reader.ask(f"query A($after: String) {{ {around % field} }}", after=cursor)
        if name == "highlights":
            assert [code for _, code in answer.errors] in (["BAD_USER_INPUT"], ["UPSTREAM_UNAUTHORIZED"])
        else:
            refused(answer)
        assert upstream.calls == 1


async def test_the_same_user_by_name_has_the_same_cursors(tmp_path: Path) -> None:
    """The name is known from another list, and leads to the same owner."""
    upstream = LongList([[user(pk) for pk in (7, *range(100, 130))], [user(200)]])
    document = "query A($after: String) { user(by: { id: 7 }) { followers(after: $after) { nodes { id } } } }"
    async with reading(tmp_path, upstream, WallClock()) as reader:
        cursor = await first_cursor(reader)
        answer = await reader.ask(document, after=cursor)
        assert answer.data["user"]["followers"]["nodes"][0]["id"] == "109"


# -- what a page lost


async def test_entries_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    pages: list[list[Any]] = pages_of(75)
    pages[1][3:5] = [None, {"username": "no pk"}]
    pages[2][0] = "text"
    upstream = LongList(pages)
    async with reading(tmp_path, upstream, WallClock()) as reader:
        walk = Walk()
        found = []
        while not walk.is_done:
            answer = await reader.step(walk, None)
            found.append([details(error) for error in answer.body.get("errors", [])])
        lost = [{"code": PARTIAL, "leftOut": 2}], [{"code": PARTIAL, "leftOut": 1}]
        assert found == [[], *lost]
        assert walk.ids == [str(pk) for pk in range(1, 76) if pk not in (29, 30, 51)]
        answer = await reader.page(first=100)
        (error,) = answer.body["errors"]
        assert (error["path"], details(error)) == (["user", "followers"], {"code": PARTIAL, "leftOut": 3})
        assert len(answer.data["user"]["followers"]["nodes"]) == 72
        assert (answer.charged, upstream.billed) == (0, 3)


async def test_a_page_of_nothing_that_can_be_decoded_leads_on(tmp_path: Path) -> None:
    upstream = LongList([["?"] * PAGE, *pages_of(25)])
    async with reading(tmp_path, upstream, WallClock()) as reader:
        walk = await reader.walk()
        assert (walk.ids, walk.errors) == ([str(pk) for pk in range(1, 26)], [PARTIAL])


# -- searches in a list


async def test_a_search_in_a_list_has_cursors_of_its_own(tmp_path: Path) -> None:
    document = """{ user(by: { id: 7 }) { followers(matching: "%s", first: 2%s) {
        nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/search/followers"] = [user(pk) for pk in range(1, 6)]
        found: list[str] = []
        after = ""
        for more in (True, True, False):
            answer = await gateway.ask(document % (" Ann  B", after))
            page = answer.data["user"]["followers"]
            found += [node["id"] for node in page["nodes"]]
            assert page["pageInfo"]["hasNextPage"] is more
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
        assert found == ["1", "2", "3", "4", "5"]
        assert len(gateway.upstream.calls) == 1
        assert (await gateway.ask(document % ("ann b", after))).errors == []  # the same search
        refused(await gateway.ask(document % ("ann", after)))
        assert len(gateway.upstream.calls) == 1


# -- numbers


@pytest.mark.parametrize("count", [1, 2**31 - 1, 2**31, 5_000_000_000, 2**53 - 1])
async def test_counts_of_53_bits_are_numbers(tmp_path: Path, count: int) -> None:
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v2/media/likers"] = {"users": [user(1)], "user_count": count}
        gateway.upstream.answers["/v1/media/by/id"] = {"pk": "11", "comment_count": 7, "user": user(7)}
        answer = await gateway.ask(LIKERS)
        assert (answer.data, answer.errors) == ({"media": {"likers": {"totalCount": count}}}, [])


@pytest.mark.parametrize("count", [2**53, 2**63, 10**30])
async def test_a_count_beyond_53_bits_is_an_error_and_no_number(tmp_path: Path, count: int) -> None:
    comment = {"pk": str(2**63 + 1), "text": "hi", "user": user(8), "media_id": 11, "comment_like_count": count}
    page = {"response": {"comments": [comment | {"child_comment_count": count}], "comment_count": count}}
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/media/by/id"] = {"pk": "11", "comment_count": count, "user": user(7)}
        gateway.upstream.answers["/v2/media/comments"] = page
        answer = await gateway.ask(COMMENTS)
        found = answer.data["media"]["comments"]
        assert (answer.data["media"]["commentCount"], found["totalCount"]) == (None, None)
        (node,) = found["nodes"]
        assert (node["id"], node["likeCount"], node["replyCount"]) == (str(2**63 + 1), None, None)
        paths = {path for path, code in answer.errors if code == PARTIAL}
        assert {"media.commentCount", "media.comments.nodes.0.likeCount", "media.comments.nodes.0.replyCount"} <= paths
        assert "media.comments.totalCount" in paths
        assert str(count) not in json.dumps(answer.body)

"""Replies to comments, which come in two ways: the first ones beside their comment, and all of them in pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.operations.test_partial import Gateway, serving
from tests.robustness.long_lists import user

COMMENTS, REPLIES = "/v2/media/comments", "/v2/media/comments/replies"
QUERY = """{ media(by: { id: "11" }) { comments { nodes { id replies(%s) {
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } } } }"""


def reply(pk: int) -> dict[str, Any]:
    return {"pk": pk, "text": f"reply {pk}", "user": user(pk), "media_id": 11, "parent_comment_id": 21}


def prepare(gateway: Gateway, count: int, beside: int) -> None:
    """A comment with so many replies, of which some are beside it."""
    comment = {"pk": 21, "text": "hi", "user": user(8), "media_id": 11, "child_comment_count": count}
    comment |= {"preview_child_comments": [reply(pk) for pk in range(1, beside + 1)]}
    gateway.upstream.answers |= {
        "/v1/media/by/id": {"pk": "11", "user": user(7)},
        COMMENTS: {"response": {"comments": [comment], "comment_count": 1}},
        REPLIES: {"child_comments": [reply(pk) for pk in range(1, count + 1)], "child_comment_count": count},
    }


async def replies(gateway: Gateway, arguments: str) -> Any:
    answer = await gateway.ask(QUERY % arguments)
    assert answer.errors == []
    (comment,) = answer.data["media"]["comments"]["nodes"]
    page = comment["replies"]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    return page


def ids(page: Any) -> list[str]:
    return [node["id"] for node in page["nodes"]]


async def test_those_beside_their_comment_cost_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        prepare(gateway, count=5, beside=2)
        page = await replies(gateway, "first: 2")
        assert (ids(page), page["pageInfo"]["hasNextPage"]) == (["1", "2"], True)
        assert REPLIES not in gateway.upstream.calls


async def test_replies_say_less_than_comments(tmp_path: Path) -> None:
    """Neither their post nor their comment; a text may be null. There are no replies to them, for nothing."""
    document = """{ media(by: { id: "11" }) { comments { nodes { text replies(first: 5) { nodes {
        id text parentId replies { totalCount nodes { id } } } } } } } }"""
    bare = {"pk": 1, "text": None, "user": user(1)}
    async with serving(tmp_path) as gateway:
        prepare(gateway, count=2, beside=0)
        (comment,) = gateway.upstream.answers[COMMENTS]["response"]["comments"]
        comment |= {"text": None, "preview_child_comments": [bare]}
        gateway.upstream.answers[REPLIES]["child_comments"] = [bare, bare | {"pk": 2, "text": "b"}]
        answer = await gateway.ask(document)
        assert answer.errors == []
        none = {"parentId": "21", "replies": {"totalCount": 0, "nodes": []}}
        replies = [{"id": "1", "text": None, **none}, {"id": "2", "text": "b", **none}]
        assert answer.data["media"]["comments"]["nodes"] == [{"text": None, "replies": {"nodes": replies}}]
        assert gateway.upstream.calls.count(REPLIES) == 1


async def test_all_of_them_come_once_and_are_bought_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        prepare(gateway, count=5, beside=2)
        found: list[str] = []
        after = ""
        for _ in range(10):
            page = await replies(gateway, f"first: 2{after}")
            found += ids(page)
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
        assert found == ["1", "2", "3", "4", "5"]
        assert ids(await replies(gateway, "first: 100")) == found
        assert gateway.upstream.calls.count(REPLIES) == gateway.upstream.calls.count(COMMENTS) == 1


async def test_each_edge_leads_to_the_reply_after_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        prepare(gateway, count=5, beside=2)
        page = await replies(gateway, "first: 100")
        for at, edge in enumerate(page["edges"], 1):
            rest = await replies(gateway, f'first: 100, after: "{edge["cursor"]}"')
            assert ids(rest) == ids(page)[at:]


async def test_where_all_are_beside_their_comment_nothing_more_is_bought(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        for count in (0, 2):
            gateway.clock.advance(10_000)
            prepare(gateway, count=count, beside=count)
            page = await replies(gateway, "first: 100")
            assert (len(ids(page)), page["pageInfo"]["hasNextPage"]) == (count, False)
        assert REPLIES not in gateway.upstream.calls

"""What people say about a post, and who likes it: as many as the post itself counts."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox import Sandbox, fixture_users, threads
from gateway.sandbox.entities import PostKind
from gateway.sandbox.feed import listed_post, post_pk
from gateway.sandbox.world import EPOCH, World
from tests.sandbox import contract
from tests.sandbox.contract_lists import CommentInfos, Comments, Likers, Replies, Thread
from tests.sandbox.contract_posts import Media
from tests.sandbox.walks import (
    COMMENTS,
    NATGEO,
    REPLIES,
    SILENT_AT_LAST,
    TALKED_ABOUT,
    discussed_pk,
    listed_pk,
    pk_of,
    read,
)

INFOS, LIKERS = "/v2/media/comments/infos", "/v2/media/likers"
POSTS = [listed_pk(number) for number in range(14)]
PRIVATE_POST = post_pk(fixture_users.PRIVATE, EPOCH, PostKind.REEL)
STORY = 3772053608293416704


async def by_id(client: httpx.AsyncClient, pk: int) -> Media:
    return read(await client.get("/v1/media/by/id", params={"id": pk}), Media)


def once(comments: list[Any]) -> list[Any]:
    """Without those that a page repeats."""
    return list({pk_of(comment): comment for comment in comments}.values())


async def test_comments_and_replies_are_as_many_as_the_post_counts(client: httpx.AsyncClient) -> None:
    for number in (1, 5, 10, 13):
        post = await by_id(client, listed_pk(number))
        found: list[Thread] = once(await COMMENTS.of(id=post.pk).all(client))
        assert sum(1 + thread.child_comment_count for thread in found) == post.comment_count
        for thread in found:
            if thread.child_comment_count:
                replies = REPLIES.of(media_id=post.pk, comment_id=pk_of(thread))
                assert len(once(await replies.all(client))) == thread.child_comment_count


async def test_every_page_carries_the_count_and_the_caption_with_the_owner(client: httpx.AsyncClient) -> None:
    post = await by_id(client, POSTS[TALKED_ABOUT])
    pages: list[Comments] = await COMMENTS.pages(client)
    for page in pages:
        assert page.response.comment_count == post.comment_count
        assert page.response.caption is not None
        assert page.response.caption.text == post.caption_text
        assert page.response.caption.user.pk_id == str(NATGEO.pk)
    assert [page.response.has_more_comments for page in pages] == [True] * (len(pages) - 1) + [False]


async def test_a_post_without_a_caption_has_none_among_its_comments(client: httpx.AsyncClient) -> None:
    silent = next(pk for pk in map(listed_pk, range(60)) if not _caption(pk))
    page: Comments = await COMMENTS.of(id=silent).page(client)
    assert page.response.caption is None


def _caption(pk: int) -> str:
    post = World().post_by_pk(pk)
    assert post is not None
    return post.caption


async def test_a_comment_shows_the_first_of_its_replies(client: httpx.AsyncClient) -> None:
    found: list[Thread] = await COMMENTS.all(client)
    shown = {len(thread.preview_child_comments) for thread in found}
    assert {0, 1, 2, 3} == shown
    for thread in found[:30]:
        assert thread.num_tail_child_comments == thread.child_comment_count - len(thread.preview_child_comments)
        if thread.preview_child_comments:
            walk = REPLIES.of(media_id=listed_pk(TALKED_ABOUT), comment_id=pk_of(thread))
            replies: Replies = await walk.page(client)
            count = len(thread.preview_child_comments)
            assert replies.child_comments[:count] == thread.preview_child_comments


async def test_replies_answer_their_comment_later_than_it(client: httpx.AsyncClient) -> None:
    pages: list[Replies] = await REPLIES.pages(client)
    assert len(pages) > 1
    parent = pages[0].parent_comment
    assert parent.type == 0
    replies = once([reply for page in pages for reply in page.child_comments])
    assert len(replies) == pages[0].child_comment_count
    for reply in replies:
        assert reply.parent_comment_id == reply.replied_to_comment_id == pk_of(parent)
        assert reply.text.startswith(f"@{parent.user.username} ")
        assert reply.type == 2
    times = [parent.created_at, *(reply.created_at for reply in replies)]
    assert times == sorted(times)


async def test_comments_come_after_the_post_by_known_users(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    post = await by_id(client, POSTS[TALKED_ABOUT])
    found: list[Thread] = once(await COMMENTS.all(client))
    for comment in found:
        assert comment.media_id == int(post.pk) > 2**53
        assert comment.created_at == comment.created_at_utc > post.taken_at_ts
        author = sandbox.world.user_by_pk(comment.user_id)
        assert author is not None
        assert (comment.user.username, comment.user.pk_id) == (author.username, str(author.pk))
    assert {type(comment.pk) for comment in found} == {int, str}
    assert {comment.is_edited for comment in found} == {True, False}
    assert {comment.comment_like_count > 0 for comment in found} == {True, False}


async def test_the_comments_of_a_loud_post_end_before_the_last(client: httpx.AsyncClient) -> None:
    post = await by_id(client, listed_pk(SILENT_AT_LAST))
    found: list[Thread] = once(await COMMENTS.of(id=post.pk).all(client))
    assert len(found) == 120
    assert sum(1 + thread.child_comment_count for thread in found) < post.comment_count


async def test_where_comments_are_disabled_there_are_none(client: httpx.AsyncClient) -> None:
    for number in range(60):
        post = await by_id(client, listed_pk(number))
        if post.comments_disabled:
            page: Comments = await COMMENTS.of(id=post.pk).page(client)
            assert (page.response.comments, page.response.comment_count, page.next_page_id) == ([], 0, None)
            return
    pytest.fail("no post of the sixty has its comments disabled")


async def test_infos_count_ten_posts_at_the_price_of_one(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    asked = [*POSTS[:7], f"{POSTS[7]}_{NATGEO.pk}", 1, PRIVATE_POST]
    response = await client.get(INFOS, params={"media_ids": ",".join(map(str, asked))})
    infos = read(response, CommentInfos).comment_infos
    assert (sandbox.meter.total_calls, sandbox.meter.total_billed) == (1, 1)
    assert list(infos) == [f"{pk}_{NATGEO.pk}" for pk in POSTS[:8]], "those unknown or private are left out"
    for pk, info in infos.items():
        page: Comments = await COMMENTS.of(id=pk).page(client)
        assert info.comment_count == page.response.comment_count
        first = [pk_of(comment) for comment in page.response.comments[:2]]
        assert [pk_of(comment) for comment in info.preview_comments] == first
        assert info.has_more_comments == (len(page.response.comments) > 2)


async def test_some_likers_come_with_the_count_of_all(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    for pk in POSTS:
        post = await by_id(client, pk)
        likers = read(await client.get(LIKERS, params={"id": pk}), Likers)
        assert likers.user_count == post.like_count
        assert 99 <= len(likers.users) <= 100, "those of a hidden count are shown as well"
        assert len({user.pk_id for user in likers.users}) == len(likers.users)
        assert str(NATGEO.pk) not in {user.pk_id for user in likers.users}


@given(st.integers(0, 2**62), st.integers(0, 900))
def test_threads_hold_exactly_the_comments_that_are_counted(post: int, count: int) -> None:
    found = threads.threads_of(post, count)
    assert sum(1 + thread.replies for thread in found) == count
    numbers = [thread.number for thread in found]
    assert numbers == sorted(set(numbers))
    for thread in found[:20]:
        comment = threads.comment_of(post, 0, thread)
        assert threads.thread_of(post, count, comment.pk) == thread
        if thread.replies:
            [reply] = threads.replies_of(post, 0, thread, range(1))
            assert (reply.parent, reply.number) == (comment.pk, thread.number + 1)
            assert threads.thread_of(post, count, reply.pk) is None


async def test_large_numbers_become_text_on_request(client: httpx.AsyncClient) -> None:
    params: dict[str, str | int] = {"id": POSTS[0]}
    plain = (await client.get(COMMENTS.path, params=params)).json()
    safe = (await client.get(COMMENTS.path, params=params | {"safe_int": "on"})).json()
    numbers = [comment["media_id"] for comment in plain["response"]["comments"]]
    assert [comment["media_id"] for comment in safe["response"]["comments"]] == [str(number) for number in numbers]
    assert plain["response"]["comment_count"] == safe["response"]["comment_count"]


ELEVEN = ",".join(map(str, POSTS[:11]))
REPLY = threads.comment_pk(POSTS[0], 1)
FOREIGN = listed_post(World().user(fixture_users.THIRTY.index), 0).pk
ANY = discussed_pk(0)
BY_ID = [COMMENTS.path, LIKERS]
REFUSALS = [
    *((f"{path}?id=first", 400, "ValidationError") for path in BY_ID),
    *((f"{path}?id={STORY}", 400, "ValidationError") for path in BY_ID),
    *((f"{path}?id={PRIVATE_POST}", 403, "PrivateAccount") for path in BY_ID),
    *((f"{path}?id=1", 404, "MediaNotFound") for path in BY_ID),
    *((f"{path}?id={POSTS[0]}_1", 404, "MediaNotFound") for path in BY_ID),
    (f"{REPLIES.path}?media_id=first&comment_id={ANY}", 400, "ValidationError"),
    (f"{REPLIES.path}?media_id={POSTS[0]}&comment_id=first", 400, "ValidationError"),
    (f"{REPLIES.path}?media_id={PRIVATE_POST}&comment_id={ANY}", 403, "PrivateAccount"),
    (f"{REPLIES.path}?media_id=1&comment_id={ANY}", 404, "MediaNotFound"),
    (f"{REPLIES.path}?media_id={POSTS[0]}&comment_id=1", 404, "NotFoundError"),
    (f"{REPLIES.path}?media_id={FOREIGN}&comment_id={ANY}", 404, "NotFoundError"),
    (f"{REPLIES.path}?media_id={POSTS[0]}&comment_id={REPLY}", 404, "NotFoundError"),
    (f"{INFOS}?media_ids={ELEVEN}", 400, "ValidationError"),
    (f"{INFOS}?media_ids=", 400, "ValidationError"),
    (f"{INFOS}?media_ids={POSTS[0]},first", 400, "ValidationError"),
]


@pytest.mark.parametrize(("target", "status", "exc_type"), REFUSALS)
async def test_refusals_are_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, exc_type: str
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == 1


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        (COMMENTS.path, "id"),
        (LIKERS, "id"),
        (INFOS, "media_ids"),
        (f"{REPLIES.path}?comment_id=1", "media_id"),
        (f"{REPLIES.path}?media_id=1", "comment_id"),
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

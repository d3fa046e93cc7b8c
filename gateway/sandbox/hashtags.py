"""The endpoints of hashtags: one by name, its posts in the raw form, and the search."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gateway.sandbox import catalogue, names
from gateway.sandbox.answers import Answers, Question, encode
from gateway.sandbox.attachments import hashtag_id
from gateway.sandbox.catalogue import Key
from gateway.sandbox.cursors import Listing, page_of
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import Post, PostKind
from gateway.sandbox.feed import listed_post
from gateway.sandbox.posts import PostWire, wire_of
from gateway.sandbox.raw_answers import encode_raw, grid_cursor
from gateway.sandbox.raw_posts import raw_post
from gateway.sandbox.replies import ReadError, refusal

Json = dict[str, Any]
NAME = re.compile(r"\w{1,100}")
PAGE = (61, 78)
MOST = 2_147_483_647  # where the platform's count ends
POPULAR = 4  # hashtags: the first ones have more posts than their lists hold
REACH = 400
CLIPS, FILLING, ROW = 5, 4, 3  # posts of the parts of a page


def by_name(answers: Answers, question: Question) -> bytes:
    """Return a hashtag by its bare name, without the `#`."""
    return encode(_hashtag(_number(question)) | {"allow_following": True})


def recent(answers: Answers, question: Question) -> bytes:
    return _page(answers, question, catalogue.recent_with_tag)


def top(answers: Answers, question: Question) -> bytes:
    return _page(answers, question, catalogue.best_with_tag)


def search(answers: Answers, question: Question) -> bytes:
    """Return the hashtags that contain the query, those that begin with it first."""
    word = question.value.lower().strip().removeprefix("#")
    if not word:
        raise ReadError(refusal(400, "query must not be empty"))
    found = (number for number, name in enumerate(names.TAGS) if word in name)
    return encode([_hashtag(number) for number in sorted(found, key=lambda each: names.TAGS[each].find(word))])


def media_count(number: int) -> int:
    """Return the count of a hashtag: of the popular ones more than the lists hold, and of the first one the limit."""
    if number == 0:
        return MOST
    if number < POPULAR:
        return Dice("hashtag", number).between(1_000_000, 90_000_000)
    return len(catalogue.with_tag(number))


def _page(answers: Answers, question: Question, order: Callable[[int], tuple[Key, ...]]) -> bytes:
    number = _number(question)
    keys = order(number)
    reach = REACH if number < POPULAR else None
    page = page_of(answers, question, Listing(names.TAGS[number], len(keys), PAGE, reach))
    chosen = (keys[position] for position in page.positions)
    posts = [listed_post(answers.world.user(index), number) for index, number in chosen]
    response = {
        "sections": _sections(wire_of(answers), posts),
        "more_available": page.has_more,
        "next_max_id": grid_cursor(page),
        "next_page": page.positions.stop if page.has_more else None,
        "next_media_ids": [],
        "auto_load_more_enabled": True,
        "status": "ok",
    }
    return encode_raw({"response": response, "next_page_id": page.cursor}, question)


def _sections(wire: PostWire, posts: list[Post]) -> list[Json]:
    """Return the posts in the layout of the platform's page: some reels beside others, then rows."""
    if not posts:
        return []
    clips = [post for post in posts if post.kind is PostKind.REEL][:CLIPS]
    others = [post for post in posts if post not in clips]
    filling, grid = others[:FILLING], others[FILLING:]
    first = {
        "one_by_two_item": {"clips": {"items": _media(wire, clips), "more_available": True, "design": "two_by_two"}},
        "fill_items": _media(wire, filling),
    }
    rows = [grid[start : start + ROW] for start in range(0, len(grid), ROW)]
    return [
        _section("one_by_two_left", "clips", first),
        *(_section("media_grid", "media", {"medias": _media(wire, row)}) for row in rows),
    ]


def _section(layout: str, feed: str, content: Json) -> Json:
    return {
        "layout_type": layout,
        "layout_content": content,
        "feed_type": feed,
        "explore_item_info": {"num_columns": 3, "total_num_columns": 3, "aspect_ratio": 1, "autoplay": False},
    }


def _media(wire: PostWire, posts: list[Post]) -> list[Json]:
    return [{"media": raw_post(wire, post)} for post in posts]


def _number(question: Question) -> int:
    """Return the number of the hashtag of this name. Raises ReadError."""
    name = question.value.lower()
    if not NAME.fullmatch(name):
        raise ReadError(refusal(400, "name must be a hashtag without #"))
    if name not in names.TAGS:
        raise ReadError(refusal(404, "Hashtag not found", "HashtagNotFound"))
    return names.TAGS.index(name)


def _hashtag(number: int) -> Json:
    return {
        "id": hashtag_id(number),
        "name": names.TAGS[number],
        "media_count": media_count(number),
        "profile_pic_url": None,
    }

"""The endpoints of a user's posts: all, the pinned ones, the reels, and those in which the user is tagged."""

from __future__ import annotations

from typing import Any

from gateway.sandbox import catalogue, listing
from gateway.sandbox.answers import Answers, Question, encode, nothing, refuse_private
from gateway.sandbox.cursors import Listing, foreign, page_of
from gateway.sandbox.deterministic_random import Dice, mixed
from gateway.sandbox.entities import Post, User
from gateway.sandbox.feed import listed_post
from gateway.sandbox.ids import ITEM_ID
from gateway.sandbox.posts import PostWire, wire_of
from gateway.sandbox.raw_answers import encode_raw, grid_cursor
from gateway.sandbox.raw_posts import raw_post

Json = dict[str, Any]
PAGE = (9, 12)
CHUNK = (12, 33)
LONG = 1_000  # posts: a list of more ends after those of REACH
REACH = 120


def medias(answers: Answers, question: Question) -> bytes:
    """Return a page of the user's posts in the raw form, the pinned ones first."""
    user = _shown(answers, question)
    page = page_of(answers, question, Listing(str(user.pk), _length(user), PAGE, _reach(user)))
    wire = wire_of(answers)
    items = [_told(raw_post(wire, _post_at(user, position))) for position in page.positions]
    response = {
        "items": items,
        "num_results": len(items),
        "more_available": page.has_more,
        "auto_load_more_enabled": True,
        "profile_grid_items_cursor": grid_cursor(page),
        "next_max_id": _last_id(user, page.positions) if page.has_more else None,
        "status": "ok",
    }
    return encode_raw({"response": response, "next_page_id": page.cursor}, question)


def medias_chunk(answers: Answers, question: Question) -> bytes:
    """Return a page of the user's posts in the flat form. Its cursor is the id of its last post, which does not die."""
    user = _shown(answers, question)
    length = min(_length(user), _reach(user) or _length(user))
    if not length:
        return _no_chunk(user)
    start = _start_after(user, question.cursor) if question.cursor else 0
    size = Dice("chunk", user.index, start).between(*CHUNK)
    positions = range(start, min(start + size, length))
    wire = wire_of(answers)
    entries = [_untold(wire, _post_at(user, position)) for position in positions]
    return encode([entries, _last_id(user, positions) if positions.stop < length else None])


def pinned_medias(answers: Answers, question: Question) -> bytes:
    user = _shown(answers, question)
    wire = wire_of(answers)
    numbers = listing.pinned(user.index)[: question.amount or None]
    if not numbers:
        return nothing(user)
    return encode([_untold(wire, listed_post(user, number)) for number in numbers])


def clips_chunk(answers: Answers, question: Question) -> bytes:
    user = _shown(answers, question)
    numbers = listing.reels(user.index)
    if not numbers:
        return _no_chunk(user)
    page = page_of(answers, question, Listing(str(user.pk), len(numbers), (12, 12), _reach(user)))
    wire = wire_of(answers)
    posts = [_untold(wire, listed_post(user, numbers[position])) for position in page.positions]
    return encode([posts, page.cursor])


def tagged_chunk(answers: Answers, question: Question) -> bytes:
    """Return a page of the posts in which the user is tagged, newest first."""
    user = _shown(answers, question)
    posts = catalogue.tagged(user.index)
    if not posts:
        return _no_chunk(user)
    page = page_of(answers, question, Listing(str(user.pk), len(posts), (18, 21)))
    wire = wire_of(answers)
    chosen = (posts[position] for position in page.positions)
    entries = [_untold(wire, listed_post(answers.world.user(index), number)) for index, number in chosen]
    return encode([entries, page.cursor])


def _shown(answers: Answers, question: Question) -> User:
    user = answers.user_by_id(question.value)
    refuse_private(user)
    return user


def _length(user: User) -> int:
    return listing.post_count(user.index)


def _reach(user: User) -> int | None:
    return REACH if _length(user) > LONG else None


def _post_at(user: User, position: int) -> Post:
    return listed_post(user, listing.number_at(user.index, position))


def _last_id(user: User, positions: range) -> str | None:
    return _post_at(user, positions[-1]).id if positions else None


def _start_after(user: User, cursor: str) -> int:
    """Return the position after the post of this id. Raises ReadError for one that is not in the list."""
    match = ITEM_ID.fullmatch(cursor)
    if not match or match[2] != str(user.pk):
        raise foreign()
    number = listing.number_of_pk(user.index, int(match[1]))
    if number is None:
        raise foreign()
    return listing.position_of(user.index, number) + 1


def _no_chunk(user: User) -> bytes:
    nothing(user)
    return encode([[], None])


def _told(raw: Json) -> Json:
    """Return the post of a list, which leaves out the plays of some reels."""
    is_untold = "play_count" in raw and raw["device_timestamp"] % 6 == 0
    return raw | {"play_count": 0} if is_untold else raw


def _untold(wire: PostWire, post: Post) -> Json:
    """Return the post as a flat list has it: without plays, and some without likes."""
    is_liked = mixed(post.pk) % 6 > 0
    flat = wire.media(post)
    return flat | {"play_count": 0, "like_count": flat["like_count"] if is_liked else 0}

"""The comments of a post: as many as the post counts, replies included, in an order that follows from its pk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from gateway.sandbox import names
from gateway.sandbox.deterministic_random import mixed
from gateway.sandbox.extent import DAY, POPULATION

BASE = 17_900_000_000_000_000
NUMBERS = 1_024  # comments of a post, more than any has
POSTS = 1 << 38
MANY = 100  # comments: the first of so many is discussed
# Each row: cumulative share of 256 of the comments, minimum, maximum of its replies.
REPLY_COUNTS = ((150, 0, 0), (226, 1, 3), (251, 4, 15), (256, 16, 45))
DISCUSSED = (25, 45)
REPLY_EVERY = 2_220  # seconds


class Comment(NamedTuple):
    """A comment. `number` counts the comments of the post, replies included; `parent` is that of a reply.

    `replies` is how many follow it. `author` is the index of a user. Times are Unix seconds.
    """

    pk: int
    number: int
    author: int
    text: str
    created_at: int
    likes: int
    replies: int = 0
    parent: int | None = None


class Thread(NamedTuple):
    """The number of a comment that is no reply, and how many replies it has."""

    number: int
    replies: int


@lru_cache(maxsize=256)
def threads_of(post: int, count: int) -> tuple[Thread, ...]:
    """Return the threads of the post of this pk, which has so many comments."""
    return tuple(_threads(post, count))


def comment_of(post: int, posted_at: int, thread: Thread) -> Comment:
    return _comment(post, thread.number, posted_at, thread.replies)


def replies_of(post: int, posted_at: int, thread: Thread, positions: range) -> list[Comment]:
    """Return the replies at these positions of a thread, oldest first."""
    parent = comment_of(post, posted_at, thread)
    return [_reply(post, parent, thread.number + 1 + position, position) for position in positions]


def thread_of(post: int, count: int, comment: int) -> Thread | None:
    """Return the thread that the comment of this pk begins, None if none does."""
    return next((each for each in threads_of(post, count) if comment_pk(post, each.number) == comment), None)


def comment_pk(post: int, number: int) -> int:
    return BASE + mixed(post) % POSTS * NUMBERS + number


def _threads(post: int, count: int) -> Iterator[Thread]:
    number = 0
    while number < count:
        replies = min(_reply_count(post, number, count), count - number - 1)
        yield Thread(number, replies)
        number += 1 + replies


def _reply_count(post: int, number: int, count: int) -> int:
    bits = mixed(comment_pk(post, number))
    if number == 0 and count >= MANY:
        low, high = DISCUSSED
    else:
        low, high = next((low, high) for limit, low, high in REPLY_COUNTS if bits & 0xFF < limit)
    return low + ((bits >> 8 & 0xFFFF) * (high - low + 1) >> 16)


def _comment(post: int, number: int, posted_at: int, replies: int) -> Comment:
    pk = comment_pk(post, number)
    bits = mixed(~pk & 0xFFFF_FFFF_FFFF)
    return Comment(
        pk=pk,
        number=number,
        author=bits % POPULATION,
        text=names.REMARKS[(bits >> 16 & 0xFFFF) % len(names.REMARKS)],
        created_at=posted_at + 60 + (bits >> 32 & 0xFFFFFF) % (20 * DAY),
        likes=(bits >> 40 & 0xFF) if bits >> 60 < 12 else 0,
        replies=replies,
    )


def _reply(post: int, parent: Comment, number: int, position: int) -> Comment:
    drawn = _comment(post, number, 0, 0)
    text = names.ANSWERS[(drawn.created_at + position) % len(names.ANSWERS)]
    created_at = parent.created_at + REPLY_EVERY * (position + 1)
    return drawn._replace(text=text, created_at=created_at, parent=parent.pk)

"""The list of a user's posts: as many as the profile says, pinned ones first, then from the newest to the oldest.

What it holds follows from the numbers of the user and of the post, so a post is found in its list, and a part of the
list is made, without the rest of it.
"""

from __future__ import annotations

from functools import lru_cache

from gateway.sandbox import ids, names
from gateway.sandbox.deterministic_random import mixed, of_the_first
from gateway.sandbox.entities import Listed, PostKind
from gateway.sandbox.extent import DAY, EPOCH, FEED_SPAN, POPULATION
from gateway.sandbox.fixture_users import SIZES, UNFOLLOWED

# Each row: cumulative share of 256 of the users, minimum, maximum.
POST_COUNTS = ((20, 0, 0), (174, 1, 30), (243, 31, 60), (253, 61, 250), (256, 251, 600))
# The kinds of 128 posts.
KINDS = (
    *(PostKind.PHOTO,) * 58,
    *(PostKind.REEL,) * 36,
    *(PostKind.ALBUM,) * 30,
    *(PostKind.LONG_VIDEO,) * 3,
    PostKind.AD,
)
MINUTE = 60
SECOND = 17  # of the minute in which each of these posts is taken
LONGEST_PAUSE = 21 * DAY
MOST_PINNED = 3
FEWEST_TO_PIN = 8
RARE, RAREST = len(names.TAGS) - 2, len(names.TAGS) - 1
PLACES = (*names.PLACES, *names.FURTHER_PLACES)
_KINDS_BY_POSITION = tuple(PostKind)
# What a user's number is mixed with for each of these.
_COUNT, _PINNED = 1 << 40, 2 << 40


@lru_cache(maxsize=POPULATION)
def post_count(user: int) -> int:
    """Return the number of posts of the user of this index."""
    if user in SIZES:
        return SIZES[user].posts
    bits = mixed(_COUNT | user)
    low, high = next((low, high) for limit, low, high in POST_COUNTS if bits & 0xFF < limit)
    return low + ((bits >> 8 & 0xFFFF) * (high - low + 1) >> 16)


def entry_at(user: int, number: int) -> Listed:
    """Return the user's post of this number, counted from the newest one."""
    bits = mixed(user << 20 | number)
    pause = _pause(user)
    minutes = (bits >> 7 & 0x3FFF) * (pause // MINUTE) >> 14
    return Listed(
        number=number,
        kind=KINDS[bits & 0x7F],
        taken_at=EPOCH - number * pause - minutes * MINUTE - MINUTE + SECOND,
        text=bits >> 21 & 0xFF,
        tags=_tags(bits >> 29),
        place=of_the_first(bits >> 51 & 0x7F, 7, len(PLACES)) if bits >> 58 & 7 < 3 else None,
        people=_people(user, bits) if bits >> 61 < 2 else (),
    )


def entry_of(user: int, taken_at: int, kind: PostKind) -> Listed | None:
    """Return the entry of the user's post of this time and kind, None if the list does not hold it."""
    if taken_at % MINUTE != SECOND:
        return None
    number = (EPOCH - MINUTE + SECOND - taken_at) // _pause(user)
    if not 0 <= number < post_count(user):
        return None
    entry = entry_at(user, number)
    return entry if (entry.taken_at, entry.kind) == (taken_at, kind) else None


def number_of_pk(user: int, pk: int) -> int | None:
    """Return the number of the post of this pk in the user's list, None if the list does not hold it."""
    key = ids.item_key(pk)
    if key.position >= len(_KINDS_BY_POSITION):
        return None
    taken_at, kind = ids.taken_at(pk), _KINDS_BY_POSITION[key.position]
    entry = entry_of(user, taken_at, kind)
    return entry.number if entry and ids.post_pk(taken_at, user, key.position) == pk else None


def caption_of(entry: Listed) -> str:
    text = names.TEXTS[entry.text % len(names.TEXTS)]
    tags = " ".join(f"#{names.TAGS[tag]}" for tag in entry.tags)
    return f"{text}\n\n{tags}" if text and tags else text or tags


@lru_cache(maxsize=POPULATION)
def pinned(user: int) -> tuple[int, ...]:
    """Return the numbers of the posts that the user pinned, in the order in which they are shown: not by age."""
    count = post_count(user)
    if count < FEWEST_TO_PIN:
        return ()
    bits = mixed(_PINNED | user)
    most = MOST_PINNED if user in SIZES else bits & MOST_PINNED
    return tuple(sorted({3 + (bits >> 8 * (place + 1)) % (count - 3) for place in range(most)}, key=mixed))


def number_at(user: int, position: int) -> int:
    """Return the number of the post at this position of the list."""
    first = pinned(user)
    if position < len(first):
        return first[position]
    number = position - len(first)
    for other in sorted(first):
        number += other <= number
    return number


def position_of(user: int, number: int) -> int:
    first = pinned(user)
    return first.index(number) if number in first else len(first) + number - sum(other < number for other in first)


@lru_cache(maxsize=64)
def reels(user: int) -> tuple[int, ...]:
    """Return the numbers of the user's reels, newest first."""
    return tuple(
        number for number in range(post_count(user)) if KINDS[mixed(user << 20 | number) & 0x7F] is PostKind.REEL
    )


def _pause(user: int) -> int:
    """Return the seconds from one post to the next, in whole minutes."""
    return min(FEED_SPAN // max(post_count(user), 1), LONGEST_PAUSE) // MINUTE * MINUTE


def _tags(bits: int) -> tuple[int, ...]:
    if bits & 7 < 3:
        return ()
    draw = bits >> 5 & 0xFFF
    if draw == 0xFFF:
        return (RAREST,)
    first = RARE if draw % 401 == 7 else of_the_first(draw, 12, RARE)
    return (first, (first + 3) % RARE) if bits >> 3 & 3 == 0 else (first,)


def _people(user: int, bits: int) -> tuple[int, ...]:
    """Return one or two others."""
    draw = mixed(bits)
    chosen = {of_the_first(draw >> shift & 0xFFFF, 16, POPULATION) for shift in (1, 17)[: 1 + (draw & 1)]}
    return tuple(sorted(chosen - {user} - UNFOLLOWED))

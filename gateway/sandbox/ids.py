"""Ids of the generated data: every id encodes its owner, so that any object can be found without an index.

A highlight's pk holds (user, slot); an item's pk holds its time of creation, as the platform's own do, and
(user, slot, position). The functions ending in `_key` decode a pk and are only hints: the world generates the
object of the key and compares.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# An item's or a post's id: a pk, and the owner's after it or not.
ITEM_ID = re.compile(r"([0-9]{1,20})(?:_([0-9]{1,20}))?")
HIGHLIGHT_BASE = 17_900_000_000_000_000
HIGHLIGHT_STEP = 2_000_000_011
SPREAD = 2_654_435_761  # Knuth's multiplier: neighbours look unrelated
SLOTS = 128
PLATFORM_EPOCH_MS = 1_314_220_021_721
TIME_SHIFT = 23
# Objects of write calls: covers and containers below the generated highlights, created highlights above them.
COVER_BASE = 17_000_000_000_000_000
CONTAINER_BASE = 17_100_000_000_000_000
CREATED_BASE = 18_200_000_000_000_000
CREATED_STEP = 1_000_003
# Past the 100 highlights a user may have:
FEED_SLOT = 121
PUBLISHED_SLOT = 122
ENTRY_STEP = 10  # positions of an album's entries; the rest is the kind of the post


class HighlightKey(NamedTuple):
    user: int
    slot: int


class ItemKey(NamedTuple):
    user: int
    slot: int
    position: int


def user_pk(index: int) -> int:
    return 2_000_000_000 + index * 61_000_019


def highlight_pk(index: int, slot: int) -> int:
    key = index * SLOTS + slot
    return HIGHLIGHT_BASE + key * HIGHLIGHT_STEP + key * SPREAD % HIGHLIGHT_STEP


def highlight_key(pk: int) -> HighlightKey:
    return HighlightKey(*divmod((pk - HIGHLIGHT_BASE) // HIGHLIGHT_STEP, SLOTS))


def item_pk(taken_at: int, key: ItemKey) -> int:
    """Return an item's pk. `taken_at` is in Unix seconds; the position is encoded in the milliseconds."""
    milliseconds = taken_at * 1000 + key.position - PLATFORM_EPOCH_MS
    return milliseconds << TIME_SHIFT | key.user << 13 | key.slot << 6 | key.position * 37 % 64


def post_pk(taken_at: int, user: int, kind: int, entry: int = 0) -> int:
    """Return the pk of a post, or of the `entry`th entry of an album, counted from 1.

    `taken_at` is in Unix seconds; `kind` is the index of the post's kind.
    """
    return item_pk(taken_at, ItemKey(user, FEED_SLOT, ENTRY_STEP * entry + kind))


def story_pk(milliseconds: int, user: int) -> int:
    """Return a published story's pk. `milliseconds` are since the Unix epoch, and unique."""
    return milliseconds - PLATFORM_EPOCH_MS << TIME_SHIFT | user << 13 | PUBLISHED_SLOT << 6


def created_pk(number: int) -> int:
    """Return the pk of the `number`th created highlight."""
    return CREATED_BASE + number * CREATED_STEP


def container_id(number: int) -> int:
    return CONTAINER_BASE + number * CREATED_STEP


def cover_pk(number: int) -> int:
    """Return the pk of the `number`th cropped cover."""
    return COVER_BASE + number * CREATED_STEP


def taken_at(pk: int) -> int:
    """Return the time of an item in Unix seconds."""
    return taken_at_ms(pk) // 1000


def taken_at_ms(pk: int) -> int:
    """Return the time of an item or a post in Unix milliseconds."""
    return (pk >> TIME_SHIFT) + PLATFORM_EPOCH_MS


def item_key(pk: int) -> ItemKey:
    return ItemKey(user=pk >> 13 & 1023, slot=pk >> 6 & 127, position=taken_at_ms(pk) % 1000)

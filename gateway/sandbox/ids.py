"""Where the world's numbers come from: every id says whose it is, so that anything can be found without an index.

A highlight's pk holds (user, slot); an item's pk holds its time of creation, as the platform's own do, and
(user, slot, position). The functions ending in `_key` turn a pk back and are only hints: the world generates what the
key names and compares.
"""

from __future__ import annotations

from typing import NamedTuple

HIGHLIGHT_BASE = 17_900_000_000_000_000
HIGHLIGHT_STEP = 2_000_000_011
SPREAD = 2_654_435_761  # Knuth's multiplier: neighbours look unrelated
SLOTS = 128
PLATFORM_EPOCH_MS = 1_314_220_021_721
TIME_SHIFT = 23
# What write calls make: covers and containers below the highlights that are drawn, created highlights past them.
COVER_BASE = 17_000_000_000_000_000
CONTAINER_BASE = 17_100_000_000_000_000
CREATED_BASE = 18_200_000_000_000_000
CREATED_STEP = 1_000_003
PUBLISHED_SLOT = 122  # past the 100 highlights a user may have


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
    """`taken_at` in Unix seconds; the position rides in the milliseconds."""
    milliseconds = taken_at * 1000 + key.position - PLATFORM_EPOCH_MS
    return milliseconds << TIME_SHIFT | key.user << 13 | key.slot << 6 | key.position * 37 % 64


def story_pk(milliseconds: int, user: int) -> int:
    """Of a published story; `milliseconds` since the Unix epoch, no two the same."""
    return milliseconds - PLATFORM_EPOCH_MS << TIME_SHIFT | user << 13 | PUBLISHED_SLOT << 6


def created_pk(number: int) -> int:
    """Of the `number`th highlight created."""
    return CREATED_BASE + number * CREATED_STEP


def container_id(number: int) -> int:
    return CONTAINER_BASE + number * CREATED_STEP


def cover_pk(number: int) -> int:
    """Of the picture cut for a cover, the `number`th."""
    return COVER_BASE + number * CREATED_STEP


def item_key(pk: int) -> ItemKey:
    milliseconds = (pk >> TIME_SHIFT) + PLATFORM_EPOCH_MS
    return ItemKey(user=pk >> 13 & 1023, slot=pk >> 6 & 127, position=milliseconds % 1000)

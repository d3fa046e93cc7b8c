"""By which ids the parts of an answer are told apart: those of the platform are digits, an item's are two of them.

A text of another shape fits the type of an id, and is none: under it something else would be bought, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import assert_never

from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, UserSummary

ID = re.compile(r"[1-9][0-9]{0,19}")
ITEM_ID = re.compile(r"[1-9][0-9]{0,19}_[1-9][0-9]{0,19}")
# Several with a comma behind each: to look at them one by one takes three times as long.
IDS = re.compile(rf"(?:{ID.pattern},)*+")
ITEM_IDS = re.compile(rf"(?:{ITEM_ID.pattern},)*+")


def is_id(value: object) -> bool:
    return ID.fullmatch(str(value)) is not None


def names_its_parts(value: tuple[Highlight, ...] | Profile | LoadedHighlight | Item) -> bool:
    """Whether everything that is told apart by an id has one that can be one."""
    match value:
        case LoadedHighlight():
            return _are(IDS, _pks((value.owner,))) and _are_items(value.items)
        case Item():
            return _are_items((value,))
        case Profile():
            return is_id(value.pk)
        case tuple():
            return _are(IDS, [entry.pk for entry in value]) and _are(IDS, _pks(entry.owner for entry in value[:1]))
        case _:
            assert_never(value)


def _are_items(items: tuple[Item, ...]) -> bool:
    pks = [item.pk for item in items] + _pks(item.author for item in items)
    for item in items:
        if item.medias:
            pks += [medium.pk for medium in item.medias]
        if item.sponsors:
            pks += _pks(item.sponsors)
        if item.mentions:
            pks += [mention.user.pk for mention in item.mentions]
    return _are(ITEM_IDS, [item.id for item in items]) and _are(IDS, pks)


def _pks(users: Iterable[UserSummary | None]) -> list[str | int]:
    return [user.pk for user in users if user is not None]


def _are(shape: re.Pattern[str], ids: Sequence[str | int]) -> bool:
    text = "".join([f"{id}," for id in ids])
    return shape.fullmatch(text) is not None and text.count(",") == len(ids)

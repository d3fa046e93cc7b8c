"""Ids in a response and their forms: the platform's ids are digits, an item's id is two of them.

A text of another form has the type of an id but is none: a call with it would pay for another object, or for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import assert_never

from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, UserSummary

ID = re.compile(r"[1-9][0-9]{0,19}")
ITEM_ID = re.compile(r"[1-9][0-9]{0,19}_[1-9][0-9]{0,19}")
# Several ids, each followed by a comma: matching them one by one takes three times as long.
IDS = re.compile(rf"(?:{ID.pattern},)*+")
ITEM_IDS = re.compile(rf"(?:{ITEM_ID.pattern},)*+")


def is_id(value: object) -> bool:
    return ID.fullmatch(str(value)) is not None


def names_its_parts(value: tuple[Highlight, ...] | Profile | LoadedHighlight | Item) -> bool:
    """Return whether every part that is identified by an id has a well-formed one."""
    match value:
        case LoadedHighlight():
            return _match(IDS, _pks((value.owner,))) and _are_item_ids(value.items)
        case Item():
            return _are_item_ids((value,))
        case Profile():
            return is_id(value.pk)
        case tuple():
            return _match(IDS, [entry.pk for entry in value]) and _match(IDS, _pks(entry.owner for entry in value[:1]))
        case _:
            assert_never(value)


def _are_item_ids(items: tuple[Item, ...]) -> bool:
    pks = [item.pk for item in items] + _pks(item.author for item in items)
    for item in items:
        if item.medias:
            pks += [medium.pk for medium in item.medias]
        if item.sponsors:
            pks += _pks(item.sponsors)
        if item.mentions:
            pks += [mention.user.pk for mention in item.mentions]
    return _match(ITEM_IDS, [item.id for item in items]) and _match(IDS, pks)


def _pks(users: Iterable[UserSummary | None]) -> list[str | int]:
    return [user.pk for user in users if user is not None]


def _match(shape: re.Pattern[str], ids: Sequence[str | int]) -> bool:
    text = "".join([f"{id}," for id in ids])
    return shape.fullmatch(text) is not None and text.count(",") == len(ids)

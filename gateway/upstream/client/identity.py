"""Ids in a response and their forms: the platform's ids are digits, an item's id is two of them.

A text of another form has the type of an id but is none: a call with it would pay for another object, or for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.domain.models import Item
from gateway.domain.users import UserSummary

ID = re.compile(r"[1-9][0-9]{0,19}")
ITEM_ID = re.compile(r"[1-9][0-9]{0,19}_[1-9][0-9]{0,19}")
# Several ids, each followed by a comma: matching them one by one takes three times as long.
IDS = re.compile(rf"(?:{ID.pattern},)*+")
ITEM_IDS = re.compile(rf"(?:{ITEM_ID.pattern},)*+")


def is_id(value: object) -> bool:
    return ID.fullmatch(str(value)) is not None


def are_ids(pks: Sequence[str | int]) -> bool:
    """Return whether all of `pks` are well-formed ids."""
    return _match(IDS, pks)


def have_well_formed_ids(items: Sequence[Item]) -> bool:
    """Return whether the items, their users and their embedded media have well-formed ids."""
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

"""By which ids the parts of an answer are told apart: those of the platform are digits, an item's are two of them.

A text of another shape fits the type of an id, and is none: under it something else would be bought, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, UserShort

ID = re.compile(r"[1-9][0-9]{0,19}")
ITEM_ID = re.compile(r"[1-9][0-9]{0,19}_[1-9][0-9]{0,19}")


def is_id(value: object) -> bool:
    return ID.fullmatch(str(value)) is not None


def names_its_parts(value: tuple[Highlight, ...] | Profile | LoadedHighlight | Item) -> bool:
    """Whether everything that is told apart by an id has one that can be one."""
    match value:
        case LoadedHighlight():
            return _is_user(value.owner) and all(map(_is_item, value.items))
        case Item():
            return _is_item(value)
        case Profile():
            return is_id(value.pk)
        case _:
            return all(is_id(entry.pk) for entry in value) and all(_is_user(entry.owner) for entry in value[:1])


def _is_item(item: Item) -> bool:
    return (
        is_id(item.pk)
        and ITEM_ID.fullmatch(item.id) is not None
        and _is_user(item.author)
        and _are_users(item.sponsors or ())
        and _are_users(mention.user for mention in item.mentions)
        and all(is_id(medium.pk) for medium in item.medias)
    )


def _are_users(users: Iterable[UserShort]) -> bool:
    return all(is_id(user.pk) for user in users)


def _is_user(user: UserShort | None) -> bool:
    return user is None or is_id(user.pk)

"""The kinds of facts about entities, and what is true of each that an upstream call answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeAlias, assert_never

from gateway.domain.ids import HighlightId, ItemId, UserId, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, Tray, UserSummary
from gateway.errors import GatewayError

Subject: TypeAlias = UserId | Username | HighlightId | ItemId
Value: TypeAlias = Tray | tuple[Item, ...] | Profile | LoadedHighlight | Item


class FactKind(enum.Flag):
    """A kind of fact about a subject; a union of kinds where an operation needs several."""

    NOTHING = 0
    IDENTITY = enum.auto()  # the user's id: known when requested by id, to be found out when requested by name
    SHORT = enum.auto()  # the user's short fields, which are embedded in other answers
    PROFILE = enum.auto()  # the user's profile
    TRAY = enum.auto()  # the list of the user's highlights
    BRIEF = enum.auto()  # a highlight as its tray lists it
    ITEMS = enum.auto()  # a highlight with its items
    ITEM = enum.auto()  # an item requested by its own id

    # By identity: the hash of an enum is computed in Python, and facts are looked up a hundred times an operation.
    __hash__ = object.__hash__


class Lifetime(enum.Enum):
    """A group of cached facts with one TTL, by the name of its setting: `GATEWAY_TTL_TRAY`."""

    TRAY = "tray"
    HIGHLIGHT = "highlight"
    PROFILE = "profile"
    USERNAME = "username"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A fact that calls answer.

    `subject` is the type that it is about, when named by its id. `names_user`: an answer contains the name of the user
    that it is about, or of the owner. `entries` is the model of a list's entries; None if the fact is no list.
    `ends_at` returns the Unix seconds at which an answer ceases to be true, or None.
    """

    subject: type[Subject]
    lifetime: Lifetime
    names_user: bool
    entries: type[Highlight | Item] | None = None
    ends_at: Callable[[Any], float | None] | None = None


ANSWERS: Mapping[FactKind, AnswerRow] = {
    FactKind.PROFILE: AnswerRow(UserId, Lifetime.PROFILE, names_user=True),
    FactKind.TRAY: AnswerRow(UserId, Lifetime.TRAY, names_user=True, entries=Highlight),
    FactKind.ITEMS: AnswerRow(HighlightId, Lifetime.HIGHLIGHT, names_user=True),
    FactKind.ITEM: AnswerRow(ItemId, Lifetime.HIGHLIGHT, names_user=False),
}


def _united(kinds: Iterable[FactKind]) -> FactKind:
    return reduce(or_, kinds, FactKind.NOTHING)


# Constants, because combining flags and iterating over them is slow, and each requirement is compared with them.
USER_LISTS = tuple(kind for kind, row in ANSWERS.items() if row.subject is UserId and row.entries is not None)
ANY_USER_LIST = _united(USER_LISTS)
LISTS_OR_PROFILE = ANY_USER_LIST | FactKind.PROFILE
NAMING_LISTS = _united(kind for kind in USER_LISTS if ANSWERS[kind].names_user)
ITEM_LISTS = _united(kind for kind in USER_LISTS if ANSWERS[kind].entries is Item)
_OF_USER = FactKind.IDENTITY | FactKind.SHORT | LISTS_OR_PROFILE
OF_SUBJECT: Mapping[type, FactKind] = {
    **{row.subject: kind for kind, row in ANSWERS.items() if row.subject is not UserId},
    HighlightId: FactKind.BRIEF | FactKind.ITEMS,
    UserId: _OF_USER,
    Username: _OF_USER,
}
"""The facts that there are about each type of subject."""


def user_of(answer: Value | UserSummary | GatewayError) -> UserSummary | None:
    """Return the user that the answer is about, or the owner of the answered object."""
    match answer:
        case UserSummary():
            return answer
        case Highlight():
            return answer.owner
        case tuple():
            return None if not answer else _owner_of_entry(answer[0])
        case Item() | GatewayError():
            return None
        case _:
            assert_never(answer)


def _owner_of_entry(entry: Highlight | Item) -> UserSummary | None:
    """Return the user whose list has the entry. An item names its author by id alone."""
    return entry.author if isinstance(entry, Item) else entry.owner

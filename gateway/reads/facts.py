"""The kinds of facts about entities, and what is true of each that an upstream call answers."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from gateway.domain import ids
from gateway.domain.ids import EntityId, HighlightId, ItemId, Subject, UserId, Username
from gateway.domain.live_stories import first_end
from gateway.domain.media import Media, MediaId, media_key, placeholder
from gateway.domain.models import Highlight, Item, LoadedHighlight, Tray
from gateway.domain.users import Profile, UserSummary
from gateway.errors import GatewayError

ParseKey: TypeAlias = Callable[..., Subject]
Value: TypeAlias = Tray | tuple[Item, ...] | Profile | LoadedHighlight | Item | Media


class FactKind(enum.Flag):
    """A kind of fact about a subject; a union of kinds where an operation needs several."""

    NOTHING = 0
    IDENTITY = enum.auto()  # the user's id: known when requested by id, to be found out when requested by name
    SUMMARY = enum.auto()  # the user's short fields, which are embedded in other answers
    PROFILE = enum.auto()  # the user's profile
    TRAY = enum.auto()  # the list of the user's highlights
    STORIES = enum.auto()  # the list of the user's live stories
    TRAY_ENTRY = enum.auto()  # a highlight as its tray lists it
    HIGHLIGHT = enum.auto()  # a highlight with its items
    ITEM = enum.auto()  # an item requested by its own id
    MEDIA = enum.auto()  # a post

    # Facts are looked up and combined some hundred times an operation. A Flag hashes its name, and its own operators
    # check the type of their argument first: they take four times as long.
    __hash__ = object.__hash__

    def __contains__(self, other: FactKind) -> bool:
        return self._value_ & other._value_ == other._value_

    def __and__(self, other: FactKind) -> FactKind:
        return UNIONS[self._value_ & other._value_]

    def __or__(self, other: FactKind) -> FactKind:
        return UNIONS[self._value_ | other._value_]

    def __bool__(self) -> bool:
        return self._value_ != 0


class _Unions(dict[int, FactKind]):
    def __missing__(self, value: int) -> FactKind:
        union = self[value] = FactKind(value)
        return union


UNIONS: Mapping[int, FactKind] = _Unions()


class Lifetime(enum.Enum):
    """A group of cached facts with one TTL, by the name of its setting: `GATEWAY_TTL_TRAY`."""

    TRAY = "tray"
    STORIES = "stories"
    HIGHLIGHT = "highlight"
    MEDIA = "media"
    PROFILE = "profile"
    USERNAME = "username"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A fact that calls answer.

    `subject` is the type that it is about, when named by its id. `names_user`: an answer contains the name of the user
    that it is about, or of the owner. `entries` is the model of a list's entries; None if the fact is no list.
    `ends_at` returns the Unix seconds at which an answer that was fetched at a given time ceases to be true, or None.
    `simulated` makes an answer of the pk, the author and another person; None for the facts that the estimator knows.
    """

    subject: type[EntityId]
    lifetime: Lifetime
    names_user: bool
    entries: type[Highlight | Item] | None = None
    ends_at: Callable[[Any, float], float | None] | None = None
    simulated: Callable[[str, UserSummary, UserSummary], Value] | None = None


ANSWERS: Mapping[FactKind, AnswerRow] = {
    FactKind.PROFILE: AnswerRow(UserId, Lifetime.PROFILE, names_user=True),
    FactKind.TRAY: AnswerRow(UserId, Lifetime.TRAY, names_user=True, entries=Highlight),
    FactKind.STORIES: AnswerRow(UserId, Lifetime.STORIES, names_user=False, entries=Item, ends_at=first_end),
    FactKind.HIGHLIGHT: AnswerRow(HighlightId, Lifetime.HIGHLIGHT, names_user=True),
    FactKind.ITEM: AnswerRow(ItemId, Lifetime.HIGHLIGHT, names_user=False),
    FactKind.MEDIA: AnswerRow(MediaId, Lifetime.MEDIA, names_user=True, simulated=placeholder),
}


class EntityType(enum.Enum):
    """A type of the graph whose objects are named by an id.

    `typename` is its name in the graph, `id` the class of its ids, `answer` the fact that an answer about one alone
    contains, and `key` returns the key that a field's argument gives; it raises InvalidInput. `node_id` is the form of
    an object's `id` in the graph, with `#` for a number: no two types have the same.
    """

    USER = ("User", UserId, FactKind.PROFILE, ids.user_key, "#")
    HIGHLIGHT = ("Highlight", HighlightId, FactKind.HIGHLIGHT, ids.highlight_key, "highlight:#")
    ITEM = ("Item", ItemId, FactKind.ITEM, ids.item_key, "#_#")
    MEDIA = ("Media", MediaId, FactKind.MEDIA, media_key, "media:#")

    def __init__(self, typename: str, id: type[EntityId], answer: FactKind, key: ParseKey, node_id: str) -> None:
        self.typename = typename
        self.id = id
        self.answer = answer
        self.key = key
        self.node_id = node_id


ENTITY_TYPES: Mapping[str, EntityType] = {entity.typename: entity for entity in EntityType}
_NODE_ID_PATTERNS = [
    (re.compile(re.escape(entity.node_id).replace(re.escape("#"), "[0-9]+")), entity) for entity in EntityType
]
NODE_IDS = ", ".join(f"`{entity.node_id.replace('#', '<number>')}` ({entity.typename})" for entity in EntityType)
ANSWER_OF: Mapping[type[EntityId], FactKind] = {entity.id: entity.answer for entity in EntityType}


def entity_of_node(id: str) -> EntityType | None:
    """Return the type of the object whose `id` in the graph is `id`, by its form, or None if no type has this form."""
    return next((entity for pattern, entity in _NODE_ID_PATTERNS if pattern.fullmatch(id)), None)


def united(kinds: Iterable[FactKind]) -> FactKind:
    """Return the union of `kinds`; NOTHING if there are none."""
    return reduce(or_, kinds, FactKind.NOTHING)


# Constants, because combining flags and iterating over them is slow, and each requirement is compared with them.
USER_LISTS = tuple(kind for kind, row in ANSWERS.items() if row.subject is UserId and row.entries is not None)
ANY_USER_LIST = united(USER_LISTS)
LISTS_OR_PROFILE = ANY_USER_LIST | FactKind.PROFILE
NAMING_LISTS = united(kind for kind in USER_LISTS if ANSWERS[kind].names_user)
ITEM_LISTS = united(kind for kind in USER_LISTS if ANSWERS[kind].entries is Item)
_OF_USER = FactKind.IDENTITY | FactKind.SUMMARY | LISTS_OR_PROFILE
OF_SUBJECT: Mapping[type[Subject], FactKind] = {
    **{row.subject: kind for kind, row in ANSWERS.items() if row.subject is not UserId},
    HighlightId: FactKind.TRAY_ENTRY | FactKind.HIGHLIGHT,
    UserId: _OF_USER,
    Username: _OF_USER,
}
"""The facts that there are about each type of subject."""


def user_of(answer: Value | UserSummary | GatewayError) -> UserSummary | None:
    """Return the user that the answer is about, or the owner of the answered object."""
    if not isinstance(answer, tuple):
        return None if isinstance(answer, GatewayError) else answer.named_user
    if not answer:
        return None
    entry = answer[0]
    if isinstance(entry, Highlight):
        return entry.owner
    # An item names its author by id alone. A name that it has nevertheless would make prices wrong that rely on it.
    author = entry.author
    return author if author is None or author.username is None else UserSummary(author.id)

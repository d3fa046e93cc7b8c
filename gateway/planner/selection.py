"""An operation as the planner sees it: entities and the relations between them, without leaf fields."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, assert_never

from gateway.domain import pages
from gateway.domain.highlight_criteria import EVERY, HighlightCriteria
from gateway.domain.ids import EntityId
from gateway.domain.pages import PageWindow
from gateway.domain.searches import SearchQuery, search_query
from gateway.planner.list_slices import SliceRequest
from gateway.reads.facts import (
    ANSWERS,
    ANY_PAGED_LIST,
    BEYOND_THE_KEY,
    ITEM_LISTS,
    OF_SUBJECT,
    EntityType,
    FactKind,
    united,
)

# Metadata keys of a schema field: the fact that it belongs to, and the relation that it follows.
FACT = "fact"
EDGE = "edge"
# The units of work of a leaf whose resolver does more than to read, of a tenth of a microsecond.
WORK = "work"
# The field leads to one of the accounts of the client, which the argument with this name identifies.
ONE_ACCOUNT = "account"
# The field leads to an entity that only its resolver can name; the selections below are prefetched at that point.
RESOLVED_LATE = "late"


# Facts that are read from the entity or the list itself, which must be known before anything below it.
SOURCES = FactKind.TRAY_ENTRY | FactKind.ITEM | FactKind.MEDIA_ENTRY | FactKind.LIST_PAGE


class Relation(enum.Enum):
    """The way in which an entity is reached from another one, or without a key of its own."""

    ACCOUNTS = "accounts"  # of the requesting client: becomes a root with many users once the client is known
    REFERENCES = "references"  # to entities of several types; children are INSTANCE selections, one for each type
    INSTANCE = "instance"
    ITEMS = "items"
    OWNER = "owner"
    AUTHOR = "author"
    COAUTHOR = "coauthor"
    MENTIONED = "mentioned"
    SPONSOR = "sponsor"

    # By identity: the hash of an enum is computed in Python, and selections are looked up at every entity.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Root:
    """A field that leads to the entity named by its `argument`, or with `many` to a list of entities."""

    entity: EntityType
    argument: str = "by"
    many: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that leads from an object to entities of another type, by the ids that the object contains.

    `embedded` are the facts about such an entity that come along, and `most` bounds how many of them it names.
    """

    entity: EntityType
    ids: Callable[[Any], Iterable[str]]
    embedded: FactKind = FactKind.NOTHING
    most: int = 1


ParseSearch: TypeAlias = Callable[[Mapping[str, Any]], EntityId]


@dataclass(frozen=True, slots=True)
class RootList:
    """A field that leads to a list that the upstream pages. `key` returns its subject; it raises InvalidInput."""

    kind: FactKind
    key: ParseSearch


NO_REQUEST = SliceRequest()

Edge: TypeAlias = Root | RootList | Reference | Relation | FactKind
"""A root field, a reference, a relation, or a list of an entity by its fact."""

EdgeOf: TypeAlias = Callable[[Mapping[str, Any]], Edge]
"""An edge that depends on the arguments of its field."""

ListPart: TypeAlias = tuple[FactKind, SliceRequest]

ACCOUNT_USERS = Root(EntityType.USER, many=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection on the entities behind one edge.

    `path` holds the response keys from the entity above, without list indices. `arguments` are those of the edge's
    field, coerced. An INSTANCE names its type as the argument `type`; REFERENCES have the argument `representations`,
    as federation defines it, whatever their field's are.
    """

    edge: Edge
    path: tuple[str, ...]
    facts: FactKind
    arguments: Mapping[str, object]
    children: tuple[Selection, ...] = ()
    needs_items: bool = field(init=False, repr=False, compare=False)
    """For a highlight: true if a field is selected that only its own answer has."""
    leads_on: bool = field(init=False, repr=False, compare=False)
    """For a list: true if each entry costs more than none. The owner's short fields are embedded in any entry."""
    deeper: FactKind = field(init=False, repr=False, compare=False)
    """For a user: the lists that lead on."""
    window: PageWindow = field(init=False, repr=False, compare=False)
    """For a list that is known as a whole: the requested page."""
    slice_request: SliceRequest = field(init=False, repr=False, compare=False)
    """For a list that the upstream pages: the requested part."""
    searched: SearchQuery | None = field(init=False, repr=False, compare=False)
    """For a search in a user's list: what is searched for."""
    criteria: HighlightCriteria = field(init=False, repr=False, compare=False)
    """For a list of highlights: its filter and order. EVERY for anything else."""
    references: tuple[tuple[Reference, Selection], ...] = field(init=False, repr=False, compare=False)
    """For an item: the selections behind references."""
    lists: tuple[tuple[FactKind, tuple[Selection, ...]], ...] = field(init=False, repr=False, compare=False)
    """For a user: the selections on the user's lists that are known as a whole, by fact."""
    paged: tuple[tuple[FactKind, Selection], ...] = field(init=False, repr=False, compare=False)
    """For an entity: each selection on a list of it that the upstream pages, with the fact."""
    counted: frozenset[ListPart] = field(init=False, repr=False, compare=False)
    """Of this list and those below, the parts of which nothing but the length of the list is selected."""
    read: frozenset[ListPart] = field(init=False, repr=False, compare=False)
    """Of these lists, the other parts."""
    _below: dict[Edge, tuple[Selection, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive once what the collector reads at every entity. Raise InvalidInput if the arguments name no page."""
        below: dict[Edge, list[Selection]] = {}
        for child in self.children:
            below.setdefault(child.edge, []).append(child)
        object.__setattr__(self, "_below", {edge: tuple(children) for edge, children in below.items()})
        needs_items = FactKind.HIGHLIGHT in self.facts or Relation.ITEMS in below
        dearer = needs_items or any(person.costs_per_entry for person in self.children)
        object.__setattr__(self, "needs_items", needs_items)
        edge = self.edge
        is_paged = isinstance(edge, RootList) or (isinstance(edge, FactKind) and bool(edge & ANY_PAGED_LIST))
        window = pages.PageWindow() if is_paged else pages.window(self.arguments)
        object.__setattr__(self, "window", window)
        object.__setattr__(self, "slice_request", SliceRequest.of(self.arguments) if is_paged else NO_REQUEST)
        criteria = HighlightCriteria.of(self.arguments) if self.edge is FactKind.TRAY else EVERY
        object.__setattr__(self, "criteria", criteria)
        text = self.arguments.get("matching") if is_paged else None
        object.__setattr__(self, "searched", None if text is None else search_query(str(text), field="matching"))
        object.__setattr__(self, "leads_on", dearer and window.size > 0)
        references = tuple((child.edge, child) for child in self.children if isinstance(child.edge, Reference))
        object.__setattr__(self, "references", references)
        lists = dict.fromkeys(child.edge for child in self.children if isinstance(child.edge, FactKind))
        object.__setattr__(self, "lists", tuple((kind, self.by(kind)) for kind in lists if not kind & ANY_PAGED_LIST))
        paged = tuple((kind, child) for kind in lists if kind & ANY_PAGED_LIST for child in self.by(kind))
        object.__setattr__(self, "paged", paged)
        deeper = FactKind.NOTHING
        for kind, entries in self.lists:
            if any(entry.leads_on for entry in entries):
                deeper |= kind
        object.__setattr__(self, "deeper", deeper)
        self._tell_parts()

    def _tell_parts(self) -> None:
        """Derive which parts of lists are counted, and which are read."""
        parts = {"counted": {part for child in self.children for part in child.counted}}
        parts["read"] = {part for child in self.children for part in child.read}
        kind = self.edge.kind if isinstance(self.edge, RootList) else self.edge
        if isinstance(kind, FactKind) and kind & ANY_PAGED_LIST:
            is_counted = FactKind.LIST_TOTAL in self.facts and FactKind.LIST_PAGE not in self.facts
            is_counted = is_counted and not ANSWERS[kind].total_needs_page
            parts["counted" if is_counted else "read"].add((kind, self.slice_request))
        for name, found in parts.items():
            object.__setattr__(self, name, frozenset(found))

    @property
    def deeper_anywhere(self) -> FactKind:
        """The lists that lead on, of this user and of all users below."""
        return self.deeper | united(child.deeper_anywhere for child in self.children)

    @property
    def costs_per_entry(self) -> bool:
        """For a person that entries of a list name: true if more is selected than the entries embed.

        The owner's own list is known by then, so it costs nothing.
        """
        match self.edge:
            case Relation.OWNER:
                embedded, own = FactKind.IDENTITY | FactKind.SUMMARY, FactKind.TRAY
            case Relation.AUTHOR:
                embedded, own = FactKind.IDENTITY, ITEM_LISTS
            case Relation.MENTIONED | Relation.SPONSOR | Relation.COAUTHOR:
                embedded, own = FactKind.IDENTITY | FactKind.SUMMARY, FactKind.NOTHING
            case Reference(entity, embedded=came_along):
                beyond = self.facts & OF_SUBJECT[entity.id] & ~came_along
                return not entity.answer & BEYOND_THE_KEY or bool(beyond or self.paged)
            case Root() | RootList() | FactKind():
                return False
            case Relation.ACCOUNTS | Relation.REFERENCES | Relation.INSTANCE | Relation.ITEMS:
                return False
            case _:
                assert_never(self.edge)
        is_listed = bool(self.paged) or any(not kind & own for kind, _ in self.lists)
        return is_listed or bool(self.facts & ~embedded or self.deeper)

    def of_accounts(self, ids: Sequence[str]) -> Selection:
        """Return this root with the client's accounts as its users, if it is the ACCOUNTS root.

        If its field is below one that leads to one account, that one is its user.
        """
        if self.edge is not Relation.ACCOUNTS:
            return self
        one = self.arguments.get(ONE_ACCOUNT)
        wanted = ids if one is None else [id_ for id_ in ids if id_ == one]
        return replace(self, edge=ACCOUNT_USERS, arguments={"by": [{"id": id_} for id_ in wanted]})

    def by(self, edge: Edge) -> tuple[Selection, ...]:
        return self._below.get(edge, ())


def counted_alone(roots: Iterable[Selection]) -> frozenset[ListPart]:
    """Return the parts of lists that need no page: nothing but the length of the list is selected of any such part."""
    roots = tuple(roots)
    counted = frozenset[ListPart]().union(*(root.counted for root in roots))
    return counted.difference(*(root.read for root in roots)) if counted else counted

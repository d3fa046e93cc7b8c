"""An operation as the planner sees it: entities and how they hang together. Leaf fields do not matter to it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

# The keys under which a field of the schema says, in its metadata, what the planner is to make of it.
FACET = "facet"
EDGE = "edge"
# Leads to an entity of which only resolving shows which it is: what is below is foreseen then.
RESOLVED_LATE = "late"


class FieldGroup(enum.Flag):
    """A group of an entity's fields that arrive together."""

    NONE = 0
    ID = enum.auto()  # the user's id: free when asked by id, to be found out when asked by name
    SHORT = enum.auto()  # the user's short fields, which ride on other answers
    PROFILE = enum.auto()  # the user's own record
    BRIEF = enum.auto()  # a highlight as its tray shows it
    ITEMS = enum.auto()  # what only a highlight's own answer tells
    ITEM = enum.auto()  # an item asked for by its own id
    SOURCE = BRIEF | ITEM  # read off the entity itself, so it has to be there before anything below it


class Relation(enum.Enum):
    """How an entity is reached: from the operation's root, or from another entity."""

    USER = "user"
    USERS = "users"
    HIGHLIGHT = "highlight"
    HIGHLIGHTS = "highlights"
    ACCOUNTS = "accounts"  # of the asking client: becomes USERS once it is known who asks
    REFERENCES = "_entities"  # children are INSTANCE selections, one for each type
    INSTANCE = "instance"
    TRAY = "tray"
    ITEMS = "items"
    OWNER = "owner"
    AUTHOR = "author"
    MENTIONED = "mentioned"
    SPONSOR = "sponsor"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected of the entities behind one edge.

    `path` are the response keys on the way from the entity above, without list indices. `arguments` are those of the
    edge's field, coerced. An INSTANCE names its type as the argument `type`.
    """

    edge: Relation
    path: tuple[str, ...]
    facets: FieldGroup
    arguments: Mapping[str, object]
    children: tuple[Selection, ...] = ()
    needs_items: bool = field(init=False, repr=False, compare=False)
    """Of a highlight: whether anything is selected that only its own answer tells."""
    leads_on: bool = field(init=False, repr=False, compare=False)
    """Of a tray: whether each entry is dearer than none. The owner's short fields come along with any."""
    deeper: bool = field(init=False, repr=False, compare=False)
    """Of a user: whether one of the trays leads on."""
    _below: dict[str, tuple[Selection, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The walk asks for these at every entity: they are worked out once, from those of the children."""
        below: dict[str, list[Selection]] = {}
        for child in self.children:
            below.setdefault(child.edge.value, []).append(child)
        object.__setattr__(self, "_below", {edge: tuple(children) for edge, children in below.items()})
        needs_items = FieldGroup.ITEMS in self.facets or Relation.ITEMS.value in below
        dearer = needs_items or any(
            FieldGroup.PROFILE in owner.facets or owner.deeper for owner in self.by(Relation.OWNER)
        )
        object.__setattr__(self, "needs_items", needs_items)
        object.__setattr__(self, "leads_on", dearer and self.arguments.get("first") != 0)
        object.__setattr__(self, "deeper", any(tray.leads_on for tray in self.by(Relation.TRAY)))

    def of_accounts(self, ids: Sequence[str]) -> Selection:
        """This root, with the accounts of the client in its place if that is what it asks for."""
        if self.edge is not Relation.ACCOUNTS:
            return self
        return replace(self, edge=Relation.USERS, arguments={"by": [{"id": id_} for id_ in ids]})

    def by(self, edge: Relation) -> tuple[Selection, ...]:
        return self._below.get(edge.value, ())

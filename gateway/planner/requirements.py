"""The requirements of an operation that are still open, given the facts known so far.

They are collected again after each purchase, so that the collector never has to guess what an answer will contain. The
same collector serves to price (with simulated answers) and to buy.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from gateway.domain import ids, pages
from gateway.domain.ids import HighlightId, ItemId, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight, UserSummary
from gateway.errors import GatewayError, InvalidInput
from gateway.planner.resolved_data import DataSource, Fact
from gateway.planner.selection import FieldGroup, Relation, Selection

Subject = UserId | Username | HighlightId | ItemId


class Need(enum.Flag):
    """A kind of fact about a subject."""

    NOTHING = 0
    IDENTITY = enum.auto()
    SHORT = enum.auto()
    PROFILE = enum.auto()
    TRAY = enum.auto()
    BRIEF = enum.auto()
    ITEMS = enum.auto()
    ITEM = enum.auto()


@dataclass(slots=True)
class Requirement:
    """One subject, and all the facts about it that the operation needs now.

    `path` is the first place in the response that needs them (response keys joined by dots, no indices). `times` is
    above 1 only when pricing: the requirement then stands for that number of similar ones. `deeper` marks a tray with
    selections on its entries, so that a longer tray costs more.
    """

    subject: Subject
    want: Need
    path: str
    times: int = 1
    deeper: bool = False


Questions = dict[Subject, Requirement]


class Known(DataSource, Protocol):
    """A data source that the collector can page through."""

    def brief(self, key: HighlightId) -> Fact[Highlight]: ...

    def name_of(self, user: UserId) -> str | None:
        """Return the user name in lower case, if an answer contained it."""
        ...

    def names_owner(self, key: HighlightId) -> bool:
        """Return whether the highlight's owner is known by name, so that the highlight's own answer reveals no name."""
        ...

    def picks(self, entries: Sequence[pages.E], window: pages.PageWindow) -> tuple[Sequence[pages.E], int]:
        """Return the entries in the window, and the number of similar entries that each of them stands for."""
        ...

    def times(self, person: UserSummary) -> int:
        """Return the number of people that a person named by an item stands for."""
        ...


def open_requirements(roots: Iterable[Selection], known: Known) -> Questions:
    """Return all open requirements, in response order; none if everything that the operation needs is known."""
    collector = _RequirementCollector(known)
    for root in roots:
        collector.root(root)
    return collector.asked


def unmet(wanted: Iterable[Requirement], known: Known) -> Questions:
    """Return the requirements among `wanted` that are still open, for loads on demand without a selection."""
    asked: Questions = {}
    for requirement in wanted:
        if open_want := _open(requirement, known):
            subject = _named_by_id(requirement.subject, known)
            asked[subject] = Requirement(subject, open_want, requirement.path)
    return asked


def _named_by_id(subject: Subject, known: Known) -> Subject:
    identity = known.identity(subject) if isinstance(subject, Username) else None
    return identity if isinstance(identity, UserId) else subject


def _open(requirement: Requirement, known: Known) -> Need:
    subject, open_want = requirement.subject, Need.NOTHING
    for want in requirement.want:
        match subject, want:
            case (UserId() | Username(), Need.IDENTITY):
                fact: object = known.identity(subject)
            case (UserId() | Username(), Need.SHORT):
                fact = known.short(subject)
            case (UserId() | Username(), Need.PROFILE):
                fact = known.profile(subject)
            case (UserId() | Username(), Need.TRAY):
                fact = known.tray(subject)
            case (HighlightId(), Need.BRIEF):
                fact = known.brief(subject)
            case (HighlightId(), Need.ITEMS):
                fact = known.highlight(subject)
            case (ItemId(), Need.ITEM):
                fact = known.item(subject)
            case _:
                raise AssertionError(f"{want} is no question about {subject}")
        if fact is None:
            open_want |= want
    return open_want


class _RequirementCollector:
    """A traversal of the selections that collects the open requirements."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.asked: Questions = {}

    def root(self, selection: Selection) -> None:
        path = ".".join(selection.path)
        arguments = selection.arguments
        match selection.edge:
            case Relation.USER:
                self._user_by(arguments.get("by"), selection, path)
            case Relation.USERS:
                for by in _list(arguments.get("by")):
                    self._user_by(by, selection, path)
            case Relation.HIGHLIGHT:
                self._highlight_by(arguments.get("by"), selection, path)
            case Relation.HIGHLIGHTS:
                for pk in _list(arguments.get("ids")):
                    self._highlight_by({"id": pk}, selection, path)
            case Relation.REFERENCES:
                for reference in _list(arguments.get("representations")):
                    self._reference(reference, selection, path)
            case (
                Relation.ACCOUNTS
                | Relation.INSTANCE
                | Relation.TRAY
                | Relation.ITEMS
                | Relation.OWNER
                | Relation.AUTHOR
                | Relation.MENTIONED
                | Relation.SPONSOR
            ):
                raise AssertionError(f"{selection.edge} is not a root")
            case _:
                assert_never(selection.edge)

    # references: an invalid one is left to the resolver, which raises the error

    def _user_by(self, by: object, selection: Selection, path: str) -> None:
        try:
            key = ids.user_key(_mapping(by), field="by")
        except InvalidInput:
            return
        self._user(key, selection, path)

    def _highlight_by(self, by: object, selection: Selection, path: str) -> None:
        try:
            key = ids.highlight_key(_mapping(by), field="by")
        except InvalidInput:
            return
        self._highlight(key, selection, path)

    def _reference(self, reference: object, selection: Selection, path: str) -> None:
        by = _mapping(reference)
        id_ = ids.reference_id(by.get("id"))
        for child in selection.children:
            if id_ is None or child.arguments["type"] != by.get("__typename"):
                continue
            match child.arguments["type"]:
                case "User":
                    self._user_by({"id": id_}, child, path)
                case "Highlight":
                    self._highlight_by({"id": id_}, child, path)
                case "Item":
                    self._item_by(id_, child, path)
                case name:
                    raise AssertionError(f"{name} is no entity")

    def _item_by(self, text: str, selection: Selection, path: str) -> None:
        try:
            key = ids.item_id(text, field="id")
        except InvalidInput:
            return
        item = self.known.item(key)
        if item is None and (FieldGroup.ITEM in selection.facets or selection.children):
            self._ask(key, Need.ITEM, path, 1)
        elif isinstance(item, Item):
            self._item(item, selection, path, 1, 1)

    # -- entities

    def _user(
        self, key: UserKey, selection: Selection, path: str, times: int = 1, embedded: UserSummary | None = None
    ) -> None:
        """Visit a user. `embedded` holds the short fields that came with the reference and need not be bought."""
        known, facets, trays = self.known, selection.facets, selection.by(Relation.TRAY)
        identity = known.identity(key)
        if isinstance(identity, GatewayError):
            return
        want = Need.NOTHING
        if FieldGroup.ID in facets and identity is None:
            want |= Need.IDENTITY
        if FieldGroup.SHORT in facets and not _complete(embedded) and known.short(key) is None:
            want |= Need.SHORT
        if FieldGroup.PROFILE in facets and known.profile(key) is None:
            want |= Need.PROFILE
        tray = known.tray(key) if trays else ()
        if tray is None:
            want |= Need.TRAY
        if want:
            self._ask(identity or key, want, path, times, deeper=selection.deeper)
        if isinstance(tray, tuple):
            for child in trays:
                self._tray(tray, child, _below(path, child), times)

    def _tray(self, tray: Sequence[Highlight], selection: Selection, path: str, owners: int) -> None:
        entries, times = self._page(tray, selection)
        for entry in entries:
            self._highlight(HighlightId(entry.pk), selection, path, owners * times, entry, owners)

    def _highlight(
        self,
        key: HighlightId,
        selection: Selection,
        path: str,
        times: int = 1,
        entry: Highlight | None = None,
        owners: int = 1,
    ) -> None:
        """Visit a highlight. `owners` is the number of users behind `times` highlights."""
        known = self.known
        brief = entry or known.brief(key)
        loaded: Fact[LoadedHighlight] = None
        if selection.needs_items:
            loaded = known.highlight(key)
            if loaded is None and not _is_empty(brief):
                self._ask(key, Need.ITEMS, path, times)
        if brief is None and (FieldGroup.BRIEF in selection.facets or selection.by(Relation.OWNER)):
            self._ask(key, Need.BRIEF, path, times)
            self._tray_of_owner(key, selection, path, owners)
        if isinstance(brief, Highlight) and brief.owner is not None:
            self._person(brief.owner, selection.by(Relation.OWNER), path, owners)
        if isinstance(loaded, LoadedHighlight):
            for child in selection.by(Relation.ITEMS):
                self._items(loaded, child, _below(path, child), times, owners)

    def _tray_of_owner(self, key: HighlightId, selection: Selection, path: str, owners: int) -> None:
        """Require the owner's tray, if it is selected and the owner is known: it lists the highlight, too."""
        owner_id = self.known.home(key)
        showing = [owner for owner in selection.by(Relation.OWNER) if owner.by(Relation.TRAY)]
        if owner_id and showing and self.known.tray(owner_id) is None:
            deeper = any(owner.deeper for owner in showing)
            self._ask(owner_id, Need.TRAY, _below(path, showing[0]), owners, deeper=deeper)

    def _items(self, highlight: LoadedHighlight, selection: Selection, path: str, times: int, owners: int) -> None:
        if not selection.children:
            return
        items, each = self._page(highlight.items_of(selection.arguments.get("kind")), selection)
        for item in items:
            self._item(item, selection, path, times * each, owners)

    def _item(self, item: Item, selection: Selection, path: str, times: int, owners: int) -> None:
        if item.author is not None:
            self._person(item.author, selection.by(Relation.AUTHOR), path, owners)
        for mention in item.mentions:
            self._person(mention.user, selection.by(Relation.MENTIONED), path, times * self.known.times(mention.user))
        for sponsor in item.sponsors or ():
            self._person(sponsor, selection.by(Relation.SPONSOR), path, times * self.known.times(sponsor))

    def _person(self, user: UserSummary, selections: Iterable[Selection], path: str, times: int) -> None:
        for selection in selections:
            self._user(UserId(user.id), selection, _below(path, selection), times, embedded=user)

    def _page(self, entries: Sequence[pages.E], selection: Selection) -> tuple[Sequence[pages.E], int]:
        try:
            return self.known.picks(entries, pages.window(selection.arguments))
        except InvalidInput:
            return (), 1

    def _ask(self, subject: Subject, want: Need, path: str, times: int, *, deeper: bool = False) -> None:
        asked = self.asked.get(subject)
        if times == 0:
            return
        if asked is None:
            self.asked[subject] = Requirement(subject, want, path, times, deeper)
        else:
            asked.want |= want
            asked.times = max(asked.times, times)
            asked.deeper |= deeper


def _is_empty(brief: Fact[Highlight]) -> bool:
    return isinstance(brief, Highlight) and brief.media_count == 0


def _complete(short: UserSummary | None) -> bool:
    """Return whether a reference embeds the short fields. A mention does; an item names its author by id alone."""
    return short is not None and short.username is not None


def _below(path: str, selection: Selection) -> str:
    return ".".join((path, *selection.path))


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _mapping(value: object) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {}

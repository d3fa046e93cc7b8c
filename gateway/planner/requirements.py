"""The requirements of an operation that are still open, given the facts known so far.

They are collected again after each purchase, so that the collector never has to guess what an answer will contain. The
same collector serves to price (with simulated answers) and to buy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from gateway.domain import ids, pages
from gateway.domain.highlight_criteria import HighlightCriteria
from gateway.domain.ids import HighlightId, ItemId, Subject, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.stickers import Mention
from gateway.domain.users import Profile, UserSummary
from gateway.errors import GatewayError, InvalidInput
from gateway.planner.resolved_data import DataSource, Fact
from gateway.planner.selection import Reference, Relation, Root, Selection
from gateway.reads.facts import ENTITY_TYPES, OF_SUBJECT, EntityType, FactKind, united

# An item mentions at most 20 accounts. No source bounds the posts that it shares: more than five fit no frame.
MOST_PEOPLE = 20
MOST_REFERENCES = 5


@dataclass(slots=True)
class Requirement:
    """One subject, and all the facts about it that the operation needs now.

    `path` is the first place in the response that needs them (response keys joined by dots, no indices). `times` is
    above 1 only when pricing: the requirement then stands for that number of similar ones. `deeper` are the
    lists with selections on their entries, so that longer ones cost more.
    """

    subject: Subject
    want: FactKind
    path: str
    times: int = 1
    deeper: FactKind = FactKind.NOTHING


Questions = dict[Subject, Requirement]


class Known(DataSource, Protocol):
    """A data source that the collector can page through. The facts with rules of their own have a method each."""

    def identity(self, key: UserKey) -> Fact[UserId]: ...
    def short(self, key: UserKey) -> Fact[UserSummary]: ...
    def profile(self, key: UserKey) -> Fact[Profile]: ...
    def brief(self, key: HighlightId) -> Fact[Highlight]: ...
    def loaded(self, key: HighlightId) -> Fact[LoadedHighlight]: ...
    def item(self, key: ItemId) -> Fact[Item]: ...

    def name_of(self, user: UserId) -> str | None:
        """Return the user name in lower case, if an answer contained it."""
        ...

    def names_owner(self, key: HighlightId) -> bool:
        """Return whether the highlight's owner is known by name, so that the highlight's own answer reveals no name."""
        ...

    def picks(
        self, entries: Sequence[pages.E], criteria: HighlightCriteria, window: pages.PageWindow
    ) -> tuple[Sequence[pages.E], int]:
        """Return the entries in the window, and the number of similar entries that each of them stands for.

        The window is one of the entries that match the criteria, in their order.
        """
        ...

    def times(self, pk: str, most: int) -> int:
        """Return the number of entities that one named by an item stands for, of which it names `most` at most."""
        ...


def open_requirements(roots: Iterable[Selection], known: Known) -> Questions:
    """Return all open requirements, in response order; none if everything that the operation needs is known."""
    collector = _RequirementCollector(known)
    for root in roots:
        collector.root(root)
    return collector.requirements


def unmet(wanted: Iterable[Requirement], known: Known) -> Questions:
    """Return the requirements among `wanted` that are still open, for loads on demand without a selection."""
    still_open: Questions = {}
    for requirement in wanted:
        if open_want := _open(requirement, known):
            subject = _named_by_id(requirement.subject, known)
            still_open[subject] = Requirement(subject, open_want, requirement.path)
    return still_open


def _named_by_id(subject: Subject, known: Known) -> Subject:
    identity = known.fact(FactKind.IDENTITY, subject) if isinstance(subject, Username) else None
    return identity if isinstance(identity, UserId) else subject


def _open(requirement: Requirement, known: Known) -> FactKind:
    subject, open_want = requirement.subject, FactKind.NOTHING
    if requirement.want not in OF_SUBJECT[type(subject)]:
        raise AssertionError(f"{requirement.want} is no question about {subject}")
    for want in requirement.want:
        if known.fact(want, subject) is None:
            open_want |= want
    return open_want


class WithPeople(Protocol):
    """An answered object that names people."""

    @property
    def author(self) -> UserSummary | None: ...
    @property
    def mentions(self) -> Sequence[Mention]: ...
    @property
    def sponsors(self) -> Sequence[UserSummary] | None: ...


class _RequirementCollector:
    """A traversal of the selections that collects the open requirements."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.requirements: Questions = {}

    def root(self, selection: Selection) -> None:
        path = ".".join(selection.path)
        match selection.edge:
            case Root(entity, argument, many):
                given = selection.arguments.get(argument)
                for by in _list(given) if many else (given,):
                    self._entity(entity, _named(by), selection, path)
            case Relation.REFERENCES:
                for reference in _list(selection.arguments.get("representations")):
                    self._reference(reference, selection, path)
            case (
                FactKind()
                | Reference()
                | Relation.ACCOUNTS
                | Relation.INSTANCE
                | Relation.ITEMS
                | Relation.OWNER
                | Relation.AUTHOR
                | Relation.MENTIONED
                | Relation.SPONSOR
            ):
                raise AssertionError(f"{selection.edge} is not a root")
            case _:
                assert_never(selection.edge)

    def _reference(self, reference: object, selection: Selection, path: str) -> None:
        given = reference if isinstance(reference, Mapping) else {}
        id_ = ids.reference_id(given.get("id"))
        for child in selection.children:
            if id_ is not None and child.arguments["type"] == given.get("__typename"):
                self._entity(ENTITY_TYPES[str(child.arguments["type"])], {"id": id_}, child, path)

    def _entity(self, type_: EntityType, by: Mapping[str, Any], selection: Selection, path: str) -> None:
        """Visit the entity that `by` names. An invalid key is left to the resolver, which raises the error."""
        try:
            key = type_.key(by, field="by")
        except InvalidInput:
            return
        if isinstance(key, UserId | Username):
            self._user(key, selection, path)
        elif isinstance(key, HighlightId):
            self._highlight(key, selection, path)
        else:
            self._by_itself(type_.answer, key, selection, path)

    # -- entities

    def _by_itself(self, kind: FactKind, key: Subject, selection: Selection, path: str, times: int = 1) -> None:
        """Visit an entity of which one answer tells everything, that it exists included, and those it names."""
        value = self.known.fact(kind, key)
        if value is None:
            self._ask(key, kind, path, times)
        elif not isinstance(value, GatewayError):
            self._people(value, selection, path, times, times)

    def _user(
        self, key: UserKey, selection: Selection, path: str, times: int = 1, embedded: UserSummary | None = None
    ) -> None:
        """Visit a user. `embedded` holds the short fields that came with the reference and need not be bought."""
        known, facts = self.known, selection.facts
        identity = known.identity(key)
        if isinstance(identity, GatewayError):
            return
        want = FactKind.NOTHING
        if FactKind.IDENTITY in facts and identity is None:
            want |= FactKind.IDENTITY
        if FactKind.SUMMARY in facts and not _complete(embedded) and known.short(key) is None:
            want |= FactKind.SUMMARY
        if FactKind.PROFILE in facts and known.profile(key) is None:
            want |= FactKind.PROFILE
        lists = [(known.fact(kind, key), below) for kind, below in selection.lists]
        for (kind, _), (entries, _) in zip(selection.lists, lists, strict=True):
            if entries is None:
                want |= kind
        if want:
            self._ask(identity or key, want, path, times, deeper=selection.deeper)
        for entries, below in lists:
            if isinstance(entries, tuple):
                for child in below:
                    self._list(entries, child, _below(path, child), times)

    def _list(self, entries: Sequence[Highlight | Item], selection: Selection, path: str, owners: int) -> None:
        shown, times = self._page(entries, selection)
        for entry in shown:
            match entry:
                case Highlight():
                    self._highlight(HighlightId(entry.pk), selection, path, owners * times, entry, owners)
                case Item():
                    self._people(entry, selection, path, owners * times, owners)
                case _:
                    assert_never(entry)

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
        loaded: object = None
        if selection.needs_items:
            loaded = known.loaded(key)
            if loaded is None and not _is_empty(brief):
                self._ask(key, FactKind.HIGHLIGHT, path, times)
        if brief is None and (FactKind.TRAY_ENTRY in selection.facts or selection.by(Relation.OWNER)):
            self._ask(key, FactKind.TRAY_ENTRY, path, times)
            self._tray_of_owner(key, selection, path, owners)
        if isinstance(brief, Highlight) and brief.owner is not None:
            self._person(brief.owner, selection.by(Relation.OWNER), path, owners)
        if isinstance(loaded, LoadedHighlight):
            for child in selection.by(Relation.ITEMS):
                self._items(loaded, child, _below(path, child), times, owners)

    def _tray_of_owner(self, key: HighlightId, selection: Selection, path: str, owners: int) -> None:
        """Require the owner's tray, if it is selected and the owner is known: it lists the highlight, too."""
        owner_id = self.known.owner_of(key)
        showing = [owner for owner in selection.by(Relation.OWNER) if owner.by(FactKind.TRAY)]
        if owner_id and showing and self.known.fact(FactKind.TRAY, owner_id) is None:
            deeper = united(owner.deeper for owner in showing)
            self._ask(owner_id, FactKind.TRAY, _below(path, showing[0]), owners, deeper=deeper)

    def _items(self, highlight: LoadedHighlight, selection: Selection, path: str, times: int, owners: int) -> None:
        if not selection.children:
            return
        items, each = self._page(highlight.items_of(selection.arguments.get("kind")), selection)
        for item in items:
            self._people(item, selection, path, times * each, owners)

    def _people(self, item: WithPeople, selection: Selection, path: str, times: int, owners: int) -> None:
        if item.author is not None:
            self._person(item.author, selection.by(Relation.AUTHOR), path, owners)
        for mention in item.mentions:
            self._person(mention.user, selection.by(Relation.MENTIONED), path, times * self._times(mention.user))
        for sponsor in item.sponsors or ():
            self._person(sponsor, selection.by(Relation.SPONSOR), path, times * self._times(sponsor))

        for reference, child in selection.references:
            for pk in reference.ids(item):
                count = times * self.known.times(pk, MOST_REFERENCES)
                self._by_itself(reference.entity.answer, reference.entity.id(pk), child, _below(path, child), count)

    def _times(self, person: UserSummary) -> int:
        return self.known.times(person.id, MOST_PEOPLE)

    def _person(self, user: UserSummary, selections: Iterable[Selection], path: str, times: int) -> None:
        for selection in selections:
            self._user(UserId(user.id), selection, _below(path, selection), times, embedded=user)

    def _page(self, entries: Sequence[pages.E], selection: Selection) -> tuple[Sequence[pages.E], int]:
        try:
            return self.known.picks(entries, selection.criteria, selection.window)
        except InvalidInput:
            return (), 1

    def _ask(
        self, subject: Subject, want: FactKind, path: str, times: int, *, deeper: FactKind = FactKind.NOTHING
    ) -> None:
        requirement = self.requirements.get(subject)
        if times == 0:
            return
        if requirement is None:
            self.requirements[subject] = Requirement(subject, want, path, times, deeper)
        else:
            requirement.want |= want
            requirement.times = max(requirement.times, times)
            requirement.deeper |= deeper


def _is_empty(brief: object) -> bool:
    return isinstance(brief, Highlight) and brief.media_count == 0


def _complete(short: UserSummary | None) -> bool:
    """Return whether a reference embeds the short fields. A mention does; an item names its author by id alone."""
    return short is not None and short.username is not None


def _below(path: str, selection: Selection) -> str:
    return ".".join((path, *selection.path))


def _named(by: object) -> Mapping[str, Any]:
    """Return the argument of a key; without a name if it is no valid one."""
    if isinstance(by, Mapping):
        return by
    return {"id": by} if isinstance(by, str) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()

"""The collector: a traversal of the selections that finds the requirements that are still open.

They are collected again after each purchase, so that the collector never has to guess what an answer will contain. The
same collector serves to price (with simulated answers) and to buy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from gateway.domain import pages
from gateway.domain.account_history import AccountHistory
from gateway.domain.comments import Comment
from gateway.domain.hashtags import Hashtag
from gateway.domain.ids import EntityId, HighlightId, Subject, UserId, UserKey, Username
from gateway.domain.locations import Location, LocationId
from gateway.domain.media import ListedMedia, Media, MediaId
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.people import WithPeople
from gateway.domain.users import ListedUser, UserSummary, has_short_fields
from gateway.errors import GatewayError, InvalidInput
from gateway.planner.given_arguments import key_in, list_of
from gateway.planner.list_slices import ListSlice
from gateway.planner.requested_slices import RequestedSlices, Slices
from gateway.planner.requirements import Known, Questions, Requirement
from gateway.planner.selection import (
    ListPart,
    ParseSearch,
    Reference,
    Relation,
    Root,
    RootList,
    Selection,
    counted_alone,
)
from gateway.reads.facts import BEYOND_THE_KEY, ENTITY_TYPES, OF_SUBJECT, EntityType, FactKind, united

MOST_PEOPLE = 20  # that an item mentions


def open_requirements(roots: Iterable[Selection], known: Known) -> Questions:
    """Return all open requirements, in response order; none if everything that the operation needs is known."""
    roots = tuple(roots)
    collector = _RequirementCollector(known, counted_alone(roots))
    for root in roots:
        collector.root(root)
    return collector.requirements


class _RequirementCollector:
    """A traversal of the selections that collects the open requirements."""

    def __init__(self, known: Known, counted: frozenset[ListPart]) -> None:
        self.known = known
        self.slices = RequestedSlices(known, counted)
        self.requirements: Questions = {}

    def root(self, selection: Selection) -> None:
        path = ".".join(selection.path)
        match selection.edge:
            case Root(entity, argument, many):
                given = selection.arguments.get(argument)
                for by in list_of(given) if many else (given,):
                    self._entity(entity, key_in(by), selection, path)
            case RootList(kind, key):
                self._root_list(kind, key, selection, path)
            case Relation.REFERENCES:
                for reference in list_of(selection.arguments.get("representations")):
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
                | Relation.COAUTHOR
                | Relation.SPONSOR
            ):
                raise AssertionError(f"{selection.edge} is not a root")
            case _:
                assert_never(selection.edge)

    def _root_list(self, kind: FactKind, parse: ParseSearch, selection: Selection, path: str) -> None:
        """Visit a list of the root. An invalid key or cursor is left to the resolver, which raises the error."""
        try:
            owner = parse(selection.arguments)
            found = self.slices.one(kind, owner, selection)
        except InvalidInput:
            return
        if found.missing is not None:
            self._ask(found.missing, kind, path, 1)
        self._slice_entries(found, owner, selection, path, 1)

    def _reference(self, reference: object, selection: Selection, path: str) -> None:
        given = reference if isinstance(reference, Mapping) else {}
        for child in selection.children:
            type_ = ENTITY_TYPES[str(child.arguments["type"])]
            if type_.typename == given.get("__typename") and (id_ := type_.id_in(given)) is not None:
                self._entity(type_, {"id": id_}, child, path)

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

    def _by_itself(
        self,
        kind: FactKind,
        key: Subject,
        selection: Selection,
        path: str,
        times: int = 1,
        embedded: FactKind = FactKind.NOTHING,
    ) -> None:
        """Visit an entity of which one answer tells everything, that it exists included, and those it names.

        `embedded` are the facts that came with the reference.
        """
        if kind is FactKind.MEDIA and self.slices.counts_comments_alone(selection):
            kind = FactKind.COMMENT_COUNT  # which tells that the post exists, too
        value = self.known.fact(kind, key)
        wanted = selection.facts & OF_SUBJECT[type(key)] & ~embedded
        if value is None and (wanted or not kind & BEYOND_THE_KEY):
            self._ask(key, kind, path, times)
        elif isinstance(value, Item | Media):
            self._people(value, selection, path, times, times)
        # An object that does not exist has no lists: they wait for its own answer, where that is needed anyway. What
        # another answer names with facts of its own exists.
        is_absent = isinstance(value, GatewayError) or (value is None and key in self.requirements)
        if selection.paged and isinstance(key, EntityId) and (embedded or not is_absent):
            self._lists_of(key, selection, path, times)

    def _lists_of(
        self, owner: EntityId, selection: Selection, path: str, times: int, embedded: FactKind = FactKind.NOTHING
    ) -> None:
        """Visit the lists of an entity that is no user, of those that the upstream pages.

        `embedded` are the facts that came with what names the entity.
        """
        slices = self.slices.requested(owner, selection)
        for one in slices:
            if want := united(self.slices.open_facts(owner, [one])) & ~embedded:
                self._ask(owner, want, _below(path, one[1]), times)
        self._paged(slices, owner, path, times)

    def _slice_entries(
        self, found: ListSlice, owner: EntityId | Username, selection: Selection, path: str, owners: int
    ) -> None:
        """Visit the entries of a list that the upstream pages. `owners` is the number of lists like that of `owner`."""
        for entry, each in found.entries:
            times = owners * each
            match entry:
                case ListedUser():
                    self._user(UserId(entry.id), selection, path, times, embedded=entry)
                case Hashtag():
                    for key in entry.keys:
                        self._lists_of(key, selection, path, times, FactKind.HASHTAG)
                case Location() if entry.pk:
                    self._by_itself(
                        FactKind.LOCATION, LocationId(str(entry.pk)), selection, path, times, FactKind.LOCATION_ENTRY
                    )
                case AccountHistory() | Location():
                    pass  # nothing is below, or it has no page of its own
                case ListedMedia():
                    is_own = entry.author is not None and UserId(entry.author.id) == owner
                    self._listed_media(entry, selection, path, times, owners if is_own else times)
                case Comment():
                    self._comment(entry, selection, path, times)
                case _:
                    assert_never(entry)

    def _comment(self, entry: Comment, selection: Selection, path: str, times: int) -> None:
        if entry.author is not None:
            self._person(entry.author, selection.by(Relation.AUTHOR), path, times)
        if entry.key is not None:
            self._lists_of(entry.key, selection, path, times)

    def _listed_media(self, entry: ListedMedia, selection: Selection, path: str, times: int, authors: int) -> None:
        key = MediaId(str(entry.pk))
        plays = FactKind.MEDIA if entry.may_have_plays else FactKind.NOTHING
        reported = FactKind.NOTHING if entry.comment_count is None else FactKind.COMMENT_COUNT
        needed = selection.facts & (plays | FactKind.COMMENT_COUNT) & ~reported
        for kind in needed if needed else ():
            if self.known.fact(kind, key) is None:
                self._ask(key, kind, path, times)
        self._people(entry, selection, path, times, authors)
        self._lists_of(key, selection, path, times, reported)

    def _user(
        self, key: UserKey, selection: Selection, path: str, times: int = 1, embedded: UserSummary | None = None
    ) -> None:
        """Visit a user. `embedded` holds the short fields that came with the reference and need not be bought."""
        known, facts = self.known, selection.facts
        identity = known.identity(key)
        if isinstance(identity, GatewayError):
            return
        needs_id = FactKind.IDENTITY in facts or selection.paged
        want = FactKind.IDENTITY if needs_id and identity is None else FactKind.NOTHING
        if FactKind.SUMMARY in facts and not has_short_fields(embedded) and known.short(key) is None:
            want |= FactKind.SUMMARY
        if FactKind.PROFILE in facts and known.profile(key) is None:
            want |= FactKind.PROFILE
        lists = [(known.fact(kind, key), below) for kind, below in selection.lists]
        for (kind, _), (entries, _) in zip(selection.lists, lists, strict=True):
            if entries is None:
                want |= kind
        slices = self.slices.requested(identity or key, selection) if selection.paged else []
        want |= united(self.slices.open_facts(identity or key, slices)) if slices else FactKind.NOTHING
        if want:
            self._ask(identity or key, want, path, times, deeper=selection.deeper)
        for entries, below in lists:
            if isinstance(entries, tuple):
                for child in below:
                    self._list(entries, child, _below(path, child), times)
        self._paged(slices, identity or key, path, times)

    def _paged(self, slices: Slices, owner: UserKey | EntityId, path: str, times: int) -> None:
        """Require the missing pages, and visit the entries of the known ones. `times` is the number of such owners."""
        for kind, child, found in slices:
            here = _below(path, child)
            if found.missing is not None and found.missing != owner:
                self._ask(found.missing, kind, here, times)
            self._slice_entries(found, owner, child, here, times)

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
        for coauthor in item.coauthors if isinstance(item, Media) else ():
            self._person(coauthor, selection.by(Relation.COAUTHOR), path, times * self._times(coauthor))
        for reference, child in selection.references:
            for pk in reference.ids(item):
                count = times * self.known.times(pk, reference.most)
                entity, here = reference.entity, _below(path, child)
                self._by_itself(entity.answer, entity.id(pk), child, here, count, reference.embedded)

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


def _below(path: str, selection: Selection) -> str:
    return ".".join((path, *selection.path))

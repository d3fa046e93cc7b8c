"""The facts of one operation. A fact is a value, the error that stands in its place, or None: not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, assert_never

from gateway.domain import pages
from gateway.domain.comments import CommentCount
from gateway.domain.highlight_criteria import HighlightCriteria
from gateway.domain.ids import HighlightId, ItemId, Subject, UserId, UserKey, Username
from gateway.domain.list_pages import CommentCountPage, ListPage
from gateway.domain.media import Media, MediaId
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.errors import GatewayError, NotFound
from gateway.planner.list_slices import Paging
from gateway.planner.paged_lists import PagedLists
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANY_PAGED_LIST, USER_LISTS, FactKind, Value, user_of

T = TypeVar("T")
Fact: TypeAlias = T | GatewayError | None
Answer: TypeAlias = Value | UserSummary | GatewayError


class DataSource(Protocol):
    """A source of facts, each by its kind and its subject."""

    def fact(self, kind: FactKind, subject: Subject) -> Fact[Any]: ...

    def owner_of(self, key: HighlightId) -> UserId | None:
        """Return the user who owns the highlight."""
        ...

    def highlight_of(self, key: ItemId) -> HighlightId | None:
        """Return a highlight that the item was seen in."""
        ...


class EmptyDataSource:
    """A source without facts: the state of an empty cache."""

    def fact(self, kind: FactKind, subject: Subject) -> Fact[Any]:
        return subject if kind is FactKind.IDENTITY and isinstance(subject, UserId) else None

    def owner_of(self, key: HighlightId) -> UserId | None:
        return None

    def highlight_of(self, key: ItemId) -> HighlightId | None:
        return None


class OperationData(PagedLists):
    """The facts of one operation: those from its own answers, and those recalled from `beyond`.

    A recalled fact is kept until the operation ends, so that an entry which expires or is evicted meanwhile neither
    changes the response nor is bought again.
    """

    def __init__(self, beyond: DataSource, paging: Paging) -> None:
        super().__init__(paging)
        self._beyond = beyond
        self._profiles: dict[str, Profile | GatewayError] = self._answers[FactKind.PROFILE]
        self._highlights: dict[str, LoadedHighlight | GatewayError] = self._answers[FactKind.HIGHLIGHT]
        self._items: dict[str, Item | GatewayError] = self._answers[FactKind.ITEM]
        self._identities: dict[str, UserId | GatewayError] = {}
        self._revealed: dict[str, UserId] = {}
        self._shorts: dict[str, UserSummary] = {}
        self._briefs: dict[str, Highlight] = {}
        self._items_by_highlight: dict[str, dict[str, Item]] = {}  # the items of each highlight
        self._indexed_items: dict[str, Item] = {}  # the items of all highlights, except those in `_unindexed`
        self._unindexed: list[str] = []
        self._listed_items: dict[str, Item] = {}  # the items of users' lists
        self.answered: set[Call] = set()

    def fact(self, kind: FactKind, subject: Any) -> Fact[Any]:
        """Return the fact of this kind about `subject`, which is of a type that has such facts."""
        method = METHODS.get(kind)
        if method is not None:
            return getattr(self, method)(subject)
        if kind & ANY_PAGED_LIST:
            return self.page(kind, subject)
        return self.user_list(kind, subject) if kind in USER_LISTS else self._entity(kind, subject)

    def identity(self, key: UserKey) -> Fact[UserId]:
        """Return the id behind a user name.

        A recalled id is not used if an answer shows its user under another name.
        """
        if isinstance(key, UserId):
            return key
        if known := self._identities.get(key.name) or self._revealed.get(key.name):
            return known
        recalled = self._beyond.fact(FactKind.IDENTITY, key)
        if isinstance(recalled, UserId) and self._goes_by_another_name(recalled, key):
            return None
        return recalled

    def short(self, key: UserKey) -> Fact[UserSummary]:
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        known = self._shorts.get(user.pk) or self._beyond.fact(FactKind.SUMMARY, user)
        if isinstance(known, UserSummary):
            self._meet(known)
            return known
        return self.profile(user)

    def profile(self, key: UserKey) -> Fact[Profile]:
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        if user.pk not in self._profiles and (recalled := self._beyond.fact(FactKind.PROFILE, user)) is not None:
            self._store_profile(user.pk, recalled)
        return self._profiles.get(user.pk)

    def user_list(self, kind: FactKind, key: UserKey) -> Fact[tuple[Any, ...]]:
        """Return a list of the user's.

        An empty or private list does not name its owner: it is stored under the user name it was requested by.
        """
        user = self.identity(key)
        if isinstance(user, GatewayError):
            return user
        lists = self._answers[kind]
        for subject in (key,) if user in (None, key) else (user, key):
            if subject not in lists:
                self._recall_list(kind, subject)
            if subject in lists:
                return lists[subject]  # type: ignore[no-any-return]
        return None

    def brief(self, key: HighlightId) -> Fact[Highlight]:
        """Return a highlight as a tray lists it; the highlight's own answer has the same fields."""
        known = self._entity(FactKind.HIGHLIGHT, key)
        if isinstance(known, Highlight):
            return known
        if key.pk not in self._briefs and (owner := self.owner_of(key)):
            self.user_list(FactKind.TRAY, owner)
        return self._briefs.get(key.pk) or known

    def loaded(self, key: HighlightId) -> Fact[LoadedHighlight]:
        """Return a highlight with its items, from its own answer or from a tray that embeds them."""
        return self._entity(FactKind.HIGHLIGHT, key)

    def item(self, key: ItemId) -> Fact[Item]:
        """Return an item from its own answer, or from its highlight."""
        if key.pk not in self._items:
            known = self._from_highlights(key) or self._beyond.fact(FactKind.ITEM, key)
            if known is not None:
                self._items[key.pk] = known
        return self._items.get(key.pk)

    def comment_count(self, key: MediaId) -> Fact[CommentCountPage]:
        """Return the number of comments on a post, from its own answer or from that of a count."""
        media = self._entity(FactKind.MEDIA, key)
        if isinstance(media, Media):
            return CommentCountPage((CommentCount(media.pk, media.comment_count),))
        if isinstance(media, NotFound):
            return media
        counts = self._entity(FactKind.COMMENT_COUNT, key)
        return media if counts is None else counts

    def owner_of(self, key: HighlightId) -> UserId | None:
        return self._beyond.owner_of(key)

    def highlight_of(self, key: ItemId) -> HighlightId | None:
        return self._beyond.highlight_of(key)

    def name_of(self, user: UserId) -> str | None:
        short = OperationData.short(self, user)  # best-case assumptions do not count here
        return short.username.lower() if isinstance(short, UserSummary) and short.username is not None else None

    def names_owner(self, key: HighlightId) -> bool:
        brief = OperationData.brief(self, key)
        if isinstance(brief, Highlight) and brief.owner is not None and brief.owner.username is not None:
            return True
        owner = self.owner_of(key)
        return owner is not None and self.name_of(owner) is not None

    def failure(self, key: UserKey) -> GatewayError | None:
        """Return the error in a user's place; None if any fact about the user is known, or none was requested."""
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        profile = self._profiles.get(user.pk)
        if isinstance(profile, NotFound):
            return profile
        if isinstance(profile, GatewayError) and not self._has_list(user) and user.pk not in self._shorts:
            return profile
        return None

    def picks(
        self, entries: Sequence[pages.E], criteria: HighlightCriteria, window: pages.PageWindow
    ) -> tuple[Sequence[pages.E], int]:
        return window.of(criteria.apply(entries)).nodes, 1

    def times(self, pk: str, most: int) -> int:
        return 1

    def tell(self, call: Call, answer: Answer) -> None:
        """Record the answer to a call, or the error that came instead of it."""
        self.answered.add(call)
        self._supersede(user_of(answer))
        kind, value = call.endpoint.answers, answer  # of the type that the endpoint answers: decoding has checked it
        if call.endpoint.by_name:
            self._store_by_name(kind, Username(call.key), value)
        elif kind in USER_LISTS or kind & ANY_PAGED_LIST:
            self._store_list(kind, call.about, value)
        else:
            self._store_entity(kind, call.key, value)

    def fail(self, kind: FactKind, subject: UserId, problem: GatewayError) -> None:
        """Record the error in the place of a fact that cannot be had."""
        self._store_entity(kind, subject.pk, problem)

    def _entity(self, kind: FactKind, key: Any) -> Fact[Any]:
        answers = self._answers[kind]
        if key.pk not in answers and (recalled := self._beyond.fact(kind, key)) is not None:
            self._store_entity(kind, key.pk, recalled)
        return answers.get(key.pk)

    def _has_list(self, user: UserId) -> bool:
        return any(isinstance(self._answers[kind].get(user), tuple | ListPage) for kind in USER_LISTS)

    def _store_by_name(self, kind: FactKind, name: Username, answer: Any) -> None:
        """Store an answer about a user requested by name, which nearly always contains the user's id."""
        user = user_of(answer)
        if user is None:
            if isinstance(answer, NotFound) or kind is FactKind.PROFILE:
                self._identities[name.name] = answer
            else:
                self._store_list(kind, name, answer)
            return
        self._identities[name.name] = UserId(user.id)
        if kind is FactKind.PROFILE:
            self._store_profile(user.id, answer)
        else:
            self._store_list(kind, UserId(user.id), answer)

    def _store_entity(self, kind: FactKind, pk: str, answer: Any) -> None:
        if kind is FactKind.PROFILE:
            self._store_profile(pk, answer)
            return
        self._answers[kind][pk] = answer
        if isinstance(answer, LoadedHighlight):
            self._unindexed.append(pk)
        self._meet(user_of(answer))

    def _store_profile(self, pk: str, answer: Profile | UserSummary | GatewayError) -> None:
        if isinstance(answer, UserSummary):
            self._meet(answer)
        if isinstance(answer, Profile | GatewayError):  # else a stale owner, which stands in for the short fields only
            self._profiles[pk] = answer
        if isinstance(answer, NotFound):
            self._store_absence(UserId(pk), answer)

    def _recall_list(self, kind: FactKind, subject: Subject) -> None:
        if (recalled := self._beyond.fact(kind, subject)) is not None:
            self._store_list(kind, subject, recalled)

    def _store_list(self, kind: FactKind, key: Subject, answer: Any) -> None:
        self._answers[kind][key] = answer
        if isinstance(answer, NotFound) and isinstance(key, UserId):
            self._store_absence(key, answer)
        if isinstance(answer, GatewayError) or not answer:
            return
        self._meet(user_of(answer))
        if isinstance(answer, ListPage):
            self._store_along(answer)
            return
        for entry in answer:
            self._store_entry(entry)

    def _store_absence(self, user: UserId, absence: NotFound) -> None:
        """Store that a user does not exist in the place of the profile and of each list, unless it is known."""
        self._profiles.setdefault(user.pk, absence)
        for kind in USER_LISTS:
            self._answers[kind].setdefault(user, absence)

    def _store_entry(self, entry: Highlight | Item) -> None:
        """Store an entry of a list, which may serve requirements of its own."""
        match entry:
            case Highlight():
                self._briefs.setdefault(entry.pk, entry)
                if isinstance(entry, LoadedHighlight) and entry.pk not in self._highlights:
                    self._store_entity(FactKind.HIGHLIGHT, entry.pk, entry)
            case Item():
                self._listed_items.setdefault(str(entry.pk), entry)
            case _:
                assert_never(entry)

    def _meet(self, user: UserSummary | None) -> None:
        if user is not None and user.username is not None:
            self._shorts.setdefault(user.id, user)
            self._revealed.setdefault(user.username.lower(), UserId(user.id))

    def _from_highlights(self, key: ItemId) -> Item | None:
        """Return an item from a known list or highlight: the one it was last seen in, or the first that holds it.

        Highlights are indexed once, and only when an item is requested: not each of them for each item.
        """
        if key.pk in self._listed_items:
            return self._listed_items[key.pk]
        highlight = self.highlight_of(key)
        if highlight is not None:
            return self._items_of(highlight.pk).get(key.pk)
        for pk in self._unindexed:
            for item_pk, item in self._items_of(pk).items():
                self._indexed_items.setdefault(item_pk, item)
        self._unindexed.clear()
        return self._indexed_items.get(key.pk)

    def _items_of(self, pk: str) -> dict[str, Item]:
        if pk not in self._items_by_highlight and isinstance(loaded := self._highlights.get(pk), LoadedHighlight):
            self._items_by_highlight[pk] = loaded.by_pk()
        return self._items_by_highlight.get(pk, {})

    def _supersede(self, owner: UserSummary | None) -> None:
        """Drop the recalled short fields of an owner that an answer states now."""
        if owner is not None and owner.username is not None and (old := self._shorts.pop(owner.id, None)):
            self._revealed.pop((old.username or "").lower(), None)

    def _goes_by_another_name(self, user: UserId, key: Username) -> bool:
        known = self._shorts.get(user.pk) or self._beyond.fact(FactKind.SUMMARY, user)
        return isinstance(known, UserSummary) and known.username is not None and known.username.lower() != key.name


# The facts with rules of their own, and their methods.
METHODS = {
    FactKind.IDENTITY: "identity",
    FactKind.SUMMARY: "short",
    FactKind.PROFILE: "profile",
    FactKind.TRAY_ENTRY: "brief",
    FactKind.HIGHLIGHT: "loaded",
    FactKind.ITEM: "item",
    FactKind.COMMENT_COUNT: "comment_count",
}

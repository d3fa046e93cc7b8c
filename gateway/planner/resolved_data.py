"""The facts of one operation. A fact is a value, the error that stands in its place, or None: not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, assert_never

from gateway.domain import pages
from gateway.domain.ids import HighlightId, ItemId, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, Tray, UserSummary
from gateway.errors import GatewayError, NotFound
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

T = TypeVar("T")
Fact: TypeAlias = T | GatewayError | None
Answer: TypeAlias = Tray | Profile | UserSummary | LoadedHighlight | Item | GatewayError


class DataSource(Protocol):
    """A source of facts, each by the key of its subject."""

    def identity(self, key: UserKey) -> Fact[UserId]: ...
    def short(self, key: UserKey) -> Fact[UserSummary]: ...
    def profile(self, key: UserKey) -> Fact[Profile]: ...
    def tray(self, key: UserKey) -> Fact[Tray]: ...
    def highlight(self, key: HighlightId) -> Fact[LoadedHighlight]: ...
    def item(self, key: ItemId) -> Fact[Item]: ...
    def home(self, key: HighlightId) -> UserId | None: ...
    def shelf(self, key: ItemId) -> HighlightId | None: ...


class EmptyDataSource:
    """A source without facts: the state of an empty cache."""

    def identity(self, key: UserKey) -> Fact[UserId]:
        return key if isinstance(key, UserId) else None

    def short(self, key: UserKey) -> Fact[UserSummary]:
        return None

    def profile(self, key: UserKey) -> Fact[Profile]:
        return None

    def tray(self, key: UserKey) -> Fact[Tray]:
        return None

    def highlight(self, key: HighlightId) -> Fact[LoadedHighlight]:
        return None

    def item(self, key: ItemId) -> Fact[Item]:
        return None

    def home(self, key: HighlightId) -> UserId | None:
        return None

    def shelf(self, key: ItemId) -> HighlightId | None:
        return None


class OperationData:
    """The facts of one operation: those from its own answers, and those recalled from `beyond`.

    A recalled fact is kept until the operation ends, so that an entry which expires or is evicted meanwhile neither
    changes the response nor is bought again.
    """

    def __init__(self, beyond: DataSource) -> None:
        self._beyond = beyond
        self._identities: dict[str, UserId | GatewayError] = {}
        self._revealed: dict[str, UserId] = {}
        self._shorts: dict[str, UserSummary] = {}
        self._profiles: dict[str, Profile | GatewayError] = {}
        self._trays: dict[UserKey, Tray | GatewayError] = {}
        self._briefs: dict[str, Highlight] = {}
        self._highlights: dict[str, LoadedHighlight | GatewayError] = {}
        self._items: dict[str, Item | GatewayError] = {}
        self._items_by_highlight: dict[str, dict[str, Item]] = {}  # the items of each highlight
        self._indexed_items: dict[str, Item] = {}  # the items of all highlights, except those in `_unindexed`
        self._unindexed: list[str] = []
        self.told: set[Call] = set()

    def identity(self, key: UserKey) -> Fact[UserId]:
        """Return the id behind a user name.

        A recalled id is not used if an answer shows its user under another name.
        """
        if isinstance(key, UserId):
            return key
        if known := self._identities.get(key.name) or self._revealed.get(key.name):
            return known
        recalled = self._beyond.identity(key)
        if isinstance(recalled, UserId) and self._goes_by_another_name(recalled, key):
            return None
        return recalled

    def short(self, key: UserKey) -> Fact[UserSummary]:
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        known = self._shorts.get(user.pk) or self._beyond.short(user)
        if isinstance(known, UserSummary):
            self._meet(known)
            return known
        return self.profile(user)

    def profile(self, key: UserKey) -> Fact[Profile]:
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        if user.pk not in self._profiles and (recalled := self._beyond.profile(user)) is not None:
            self._store_profile(user.pk, recalled)
        return self._profiles.get(user.pk)

    def tray(self, key: UserKey) -> Fact[Tray]:
        """Return the tray.

        An empty or private tray does not name its owner: it is stored under the user name it was requested by.
        """
        user = self.identity(key)
        if isinstance(user, GatewayError):
            return user
        for subject in (key,) if user in (None, key) else (user, key):
            if subject not in self._trays and (recalled := self._beyond.tray(subject)) is not None:
                self._store_tray(subject, recalled)
            if subject in self._trays:
                return self._trays[subject]
        return None

    def brief(self, key: HighlightId) -> Fact[Highlight]:
        """Return a highlight as a tray lists it; the highlight's own answer has the same fields."""
        known = self.highlight(key)
        if isinstance(known, Highlight):
            return known
        if key.pk not in self._briefs and (owner := self.home(key)):
            self.tray(owner)
        return self._briefs.get(key.pk) or known

    def highlight(self, key: HighlightId) -> Fact[LoadedHighlight]:
        if key.pk not in self._highlights and (recalled := self._beyond.highlight(key)) is not None:
            self._store_highlight(key.pk, recalled)
        return self._highlights.get(key.pk)

    def item(self, key: ItemId) -> Fact[Item]:
        """Return an item from its own answer, or from its highlight."""
        if key.pk not in self._items and (known := self._from_highlights(key) or self._beyond.item(key)) is not None:
            self._items[key.pk] = known
        return self._items.get(key.pk)

    def home(self, key: HighlightId) -> UserId | None:
        return self._beyond.home(key)

    def shelf(self, key: ItemId) -> HighlightId | None:
        return self._beyond.shelf(key)

    def answer(self, call: Call) -> Fact[Tray | Profile | LoadedHighlight | Item]:
        """Return the fact that `call` requests, as far as it is known."""
        match call.endpoint:
            case Endpoint.TRAY:
                return self.tray(UserId(call.key))
            case Endpoint.TRAY_BY_USERNAME:
                return self.tray(Username(call.key))
            case Endpoint.PROFILE:
                return self.profile(UserId(call.key))
            case Endpoint.PROFILE_BY_USERNAME:
                return self.profile(Username(call.key))
            case Endpoint.HIGHLIGHT:
                return self.highlight(HighlightId(call.key))
            case Endpoint.ITEM:
                return self.item(ItemId(call.key))
            case _:
                assert_never(call.endpoint)

    def name_of(self, user: UserId) -> str | None:
        short = OperationData.short(self, user)  # best-case assumptions do not count here
        return short.username.lower() if isinstance(short, UserSummary) and short.username is not None else None

    def names_owner(self, key: HighlightId) -> bool:
        brief = OperationData.brief(self, key)
        if isinstance(brief, Highlight) and brief.owner is not None and brief.owner.username is not None:
            return True
        owner = self.home(key)
        return owner is not None and self.name_of(owner) is not None

    def failure(self, key: UserKey) -> GatewayError | None:
        """Return the error in a user's place; None if any fact about the user is known, or none was requested."""
        user = self.identity(key)
        if not isinstance(user, UserId):
            return user
        profile, tray = self._profiles.get(user.pk), self._trays.get(user)
        if isinstance(profile, NotFound):
            return profile
        if isinstance(profile, GatewayError) and not isinstance(tray, tuple) and user.pk not in self._shorts:
            return profile
        return None

    def picks(self, entries: Sequence[pages.E], window: pages.PageWindow) -> tuple[Sequence[pages.E], int]:
        return window.of(entries).nodes, 1

    def times(self, person: UserSummary) -> int:
        return 1

    def tell(self, call: Call, answer: Answer) -> None:
        """Record the answer to a call, or the error that came instead of it."""
        self.told.add(call)
        value: Any = answer  # each endpoint answers with one type of value: decoding has checked it
        self._supersede(_owner_of(answer))
        match call.endpoint:
            case Endpoint.TRAY:
                self._store_tray(UserId(call.key), value)
            case Endpoint.TRAY_BY_USERNAME:
                self._store_tray_of(Username(call.key), value)
            case Endpoint.PROFILE:
                self._store_profile(call.key, value)
            case Endpoint.PROFILE_BY_USERNAME:
                self._store_profile_of(call.key, value)
            case Endpoint.HIGHLIGHT:
                self._store_highlight(call.key, value)
            case Endpoint.ITEM:
                self._items[call.key] = value
            case _:
                assert_never(call.endpoint)

    def _store_profile_of(self, name: str, answer: Profile | UserSummary | GatewayError) -> None:
        if isinstance(answer, GatewayError):
            self._identities[name] = answer
        else:
            self._identities[name] = UserId(answer.id)
            self._store_profile(answer.id, answer)

    def _store_profile(self, pk: str, answer: Profile | UserSummary | GatewayError) -> None:
        if isinstance(answer, UserSummary):
            self._meet(answer)
        if isinstance(answer, Profile | GatewayError):  # else a stale owner, which stands in for the short fields only
            self._profiles[pk] = answer
        if isinstance(answer, NotFound):
            self._trays.setdefault(UserId(pk), answer)

    def _store_tray_of(self, name: Username, answer: Tray | GatewayError) -> None:
        if isinstance(answer, NotFound):
            self._identities[name.name] = answer
        elif (owner := _owner_of(answer)) is not None:
            self._identities[name.name] = UserId(owner.id)
            self._store_tray(UserId(owner.id), answer)
        else:
            self._store_tray(name, answer)

    def _store_tray(self, key: UserKey, answer: Tray | GatewayError) -> None:
        self._trays[key] = answer
        if isinstance(answer, NotFound) and isinstance(key, UserId):
            self._profiles.setdefault(key.pk, answer)
        if isinstance(answer, GatewayError) or not answer:
            return
        self._meet(answer[0].owner)
        for highlight in answer:
            self._briefs.setdefault(highlight.pk, highlight)

    def _store_highlight(self, pk: str, answer: LoadedHighlight | GatewayError) -> None:
        self._highlights[pk] = answer
        if isinstance(answer, LoadedHighlight):
            self._unindexed.append(pk)
            self._meet(answer.owner)

    def _meet(self, user: UserSummary | None) -> None:
        if user is not None and user.username is not None:
            self._shorts.setdefault(user.id, user)
            self._revealed.setdefault(user.username.lower(), UserId(user.id))

    def _from_highlights(self, key: ItemId) -> Item | None:
        """Return an item from a known highlight: the one it was last seen in, or else the first that holds it.

        Highlights are indexed once, and only when an item is requested: not each of them for each item.
        """
        highlight = self.shelf(key)
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
        known = self._shorts.get(user.pk) or self._beyond.short(user)
        return isinstance(known, UserSummary) and known.username is not None and known.username.lower() != key.name


def _owner_of(answer: Answer) -> UserSummary | None:
    match answer:
        case UserSummary():
            return answer
        case Highlight():
            return answer.owner
        case tuple():
            return answer[0].owner if answer else None
        case Item() | GatewayError():
            return None
        case _:
            assert_never(answer)

"""The view of the cache that one operation has: fresh entries as facts, and the entries that were used."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.cache.entity_cache import EntityCache, calls_of, canonical, short_fields
from gateway.cache.entry_keys import IdOf, OwnerOf, kind_of
from gateway.cache.response_cache import Dependencies
from gateway.cache.store import Entry
from gateway.domain.ids import HighlightId, ItemId, ListPlace, Subject, UserId, UserKey, Username
from gateway.domain.models import Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.errors import Missing, NotFound, PrivateAccount
from gateway.reads.endpoints import Call, Endpoint, call_about
from gateway.reads.facts import ANSWERS, PAGED_LISTS, USER_LISTS, FactKind, Value
from gateway.reads.port import ReadOutcome

# Bytes of entries that are decoded between two turns of other operations: some ten milliseconds.
STEP = 2 * 2**20
SMALL = 10_000  # bytes of an entry whose decoding takes a negligible time


class MoreToRead(Exception):
    """The step's byte limit is reached. The work that needed the entry starts over in the next step."""


@dataclass(frozen=True, slots=True)
class Stale:
    """An answer past its freshness, `age` seconds old. The short fields alone may stand in for a profile."""

    value: Value | UserSummary
    age: float


class OperationView:
    """The fresh entries that one operation may use, decoded as answers.

    A forced answer skipped the upstream's privacy check, so it serves only operations that may force; an unforced one
    serves every operation. Answers to the calls in `anew` are not served from the cache.
    """

    def __init__(self, cache: EntityCache, *, forced: bool, anew: frozenset[Call] = frozenset()) -> None:
        self._cache = cache
        self._forced = forced
        self._refetched = anew
        self._used: dict[Hashable, Entry | None] = {}
        self._contents: dict[Call | HighlightId, dict[str, Item]] = {}
        self._trays: dict[str, dict[str, LoadedHighlight]] = {}  # the highlights of each user
        # Large entries that this operation has decoded, by content id: the shared cache may have no space for them.
        self._decoded_large: dict[object, Value] = {}
        # Facts that no entry has while the store's version is `_absent_at`: each is looked up some ten times.
        self._absent: set[tuple[FactKind, type[Subject], str]] = set()
        self._absent_at = -1
        self._bytes_left: int | None = None
        self.recalls = False
        """True once the cache served a fact that this operation did not buy, if only the owner of a highlight."""
        self.counts_lookups = False
        """True from when the operation buys what it lacks: what is looked up for a price alone is not counted."""

    def provenance(self) -> Dependencies | None:
        """Return the entries that were used.

        None if one of them could not be stored: then the response must not be cached.
        """
        entries = [(key, entry) for key, entry in self._used.items() if entry is not None]
        return Dependencies.of(entries) if len(entries) == len(self._used) else None

    def note(self, outcome: ReadOutcome) -> None:
        """Count a bought answer among the entries that were used.

        An answer to a call from before a write is not stored; there may be a newer one in its place.
        """
        stored_at, *others = places(outcome)
        entry = self._cache.store.get(stored_at)
        is_stored = entry is not None and (outcome.problem is not None or entry.body == outcome.body)
        self._used[stored_at] = entry if is_stored else None
        for key in others:
            self._used[key] = self._cache.store.get(key)

    def count_miss(self, call: Call, *, stale: bool = False) -> None:
        """Count a call whose answer no fresh entry had; `stale`: it failed, and a stale entry stood in for it."""
        if call not in self._refetched:
            counts = self._cache.store.counters[call.endpoint.answers]
            counts.stale += stale
            counts.misses += not stale

    def fact(self, kind: FactKind, subject: Any) -> Any:
        """Return a fact from a fresh entry: a value, the recorded absence, or None."""
        store, question = self._cache.store, (kind, type(subject), subject.key)
        if self._absent_at != store.version:
            self._absent.clear()
            self._absent_at = store.version
        elif question in self._absent:
            return None
        known = READERS[kind](self, kind, subject)
        if known is None:
            self._absent.add(question)
        return known

    def owner_of(self, key: HighlightId) -> UserId | None:
        owner = self._cache.owner_of(key.pk)
        self.recalls |= owner is not None
        return None if owner is None else UserId(owner)

    def highlight_of(self, key: ItemId) -> HighlightId | None:
        highlight = self._cache.highlight_of(key.pk)
        self.recalls |= highlight is not None
        return None if highlight is None else HighlightId(highlight)

    def _identity(self, kind: FactKind, key: UserKey) -> UserId | NotFound | None:
        if isinstance(key, UserId):
            return key
        entry = None if self._is_looked_up_anew(key) else self._get(IdOf(key.name))
        if entry is not None:
            return UserId(entry.body.decode())
        return self._absence(key)

    def _is_looked_up_anew(self, name: Username) -> bool:
        profile = self._cache.endpoints.find(FactKind.PROFILE, Username) if self._refetched else None
        return profile is not None and call_about(profile, name) in self._refetched

    def _short(self, kind: FactKind, key: UserKey) -> UserSummary | None:
        entry = self._get(OwnerOf(key.pk)) if isinstance(key, UserId) else None
        return None if entry is None else short_fields(entry)

    def _profile(self, kind: FactKind, key: UserKey) -> Profile | Missing | None:
        if not isinstance(key, UserId):
            return None
        known: Profile | Missing | None = self._answer(kind, key)
        return self._absence(key, apart_from=kind) if known is None else known

    def _user_list(self, kind: FactKind, key: UserKey | ListPlace) -> tuple[Any, ...] | Missing | None:
        known = self._unforced_or_forced(kind, key)
        if known is None and isinstance(key, ListPlace) and isinstance(key.owner, UserId):
            return self._absence(key.owner)
        return self._absence(key, apart_from=kind) if known is None and isinstance(key, UserId) else known

    def _absence(self, key: UserKey, *, apart_from: FactKind = FactKind.NOTHING) -> NotFound | None:
        """Return the NotFound that is the answer about the user's profile or a list, `apart_from` one.

        It holds for every question about the user. Answers that are none are neither decoded nor counted as used.
        """
        for kind in (FactKind.PROFILE, *USER_LISTS) if self._cache.may_be_absent(key) else ():
            endpoint = None if kind is apart_from else self._cache.endpoints.find(kind, type(key))
            for call in () if endpoint is None else self._usable_calls(endpoint, key):
                entry = self._cache.store.get(call)
                if entry is not None and isinstance(entry.problem, NotFound) and (known := self._read(call)):
                    return known  # type: ignore[no-any-return]
        return None

    def _usable_calls(self, endpoint: Endpoint, subject: Subject) -> tuple[Call, ...]:
        """Return the calls whose answers the operation may use, the unforced one first."""
        calls = calls_of(endpoint, subject)
        return calls if self._forced else calls[:1]

    def _loaded(self, kind: FactKind, key: HighlightId) -> LoadedHighlight | Missing | None:
        known: LoadedHighlight | Missing | None = self._answer(kind, key)
        return self._in_tray(kind, key) if known is None and self._cache.endpoints.trays_have_items else known

    def _in_tray(self, kind: FactKind, key: HighlightId) -> LoadedHighlight | None:
        """Return a highlight with its items from its owner's tray, unless its own answer is bought anew."""
        owner = self._cache.owner_of(key.pk)
        own = Call(self._cache.endpoints.answering(kind, HighlightId), key.pk)
        if owner is None or own in self._refetched:
            return None
        if owner not in self._trays:
            tray = self._unforced_or_forced(FactKind.TRAY, UserId(owner))
            if not isinstance(tray, tuple):
                return None
            self._trays[owner] = {entry.pk: entry for entry in reversed(tray)}
        return self._trays[owner].get(key.pk)

    def _item(self, kind: FactKind, key: ItemId) -> Item | Missing | None:
        known: Item | Missing | None = self._answer(kind, key)
        return self._item_in_container(key) if known is None else known

    def stale(self, call: Call) -> Stale | None:
        """Return the stale answer that may stand in for that of `call`, which the upstream failed to give."""
        if call in self._refetched:
            return None
        if call.endpoint.by_id is not None:
            identity = self._cache.store.get(IdOf(call.key), stale=True)
            if identity is None:
                return None
            call = Call(call.endpoint.by_id, identity.body.decode(), call.forced)
        entry = self._cache.store.get(call, stale=True)
        if entry is not None and entry.problem is None:
            return Stale(call.read(entry.body), self._cache.age(entry))
        is_profile = call.endpoint.answers is FactKind.PROFILE
        owner = self._cache.store.get(OwnerOf(call.key), stale=True) if is_profile else None
        return None if owner is None else Stale(short_fields(owner), self._cache.age(owner))

    def _answer(self, kind: FactKind, key: Subject) -> Any:
        endpoint = self._cache.endpoints.find(kind, type(key))
        return None if endpoint is None else self._read(call_about(endpoint, key))

    def _unforced_or_forced(self, kind: FactKind, key: Subject) -> tuple[Any, ...] | Missing | None:
        """Return the list. An operation that may force is not refused because of an unforced call that was refused."""
        endpoint = self._cache.endpoints.find(kind, type(key.owner if isinstance(key, ListPlace) else key))
        known: tuple[Any, ...] | Missing | None = None
        for call in () if endpoint is None else self._usable_calls(endpoint, key):
            if known is None or isinstance(known, PrivateAccount):
                known = self._read(call)
        return known

    def _item_in_container(self, key: ItemId) -> Item | None:
        """Return an item from its highlight or its user's list, which is indexed once for all of its items."""
        listed = self._cache.list_of(key.pk)
        if listed is not None and (found := self._items_of(listed).get(key.pk)):
            self.recalls = True
            return found
        highlight = self.highlight_of(key)
        return None if highlight is None else self._items_of(highlight).get(key.pk)

    def _items_of(self, container: Call | HighlightId) -> dict[str, Item]:
        if container not in self._contents:
            known = self._contained(container)
            if isinstance(known, LoadedHighlight):
                self._contents[container] = known.by_pk()
            elif isinstance(known, tuple):
                self._contents[container] = {str(item.pk): item for item in reversed(known)}
        return self._contents.get(container, {})

    def _contained(self, container: Call | HighlightId) -> LoadedHighlight | tuple[Any, ...] | Missing | None:
        """Return a highlight, or a user's list: it may have been forced, so it is read as the operation may read it."""
        if isinstance(container, HighlightId):
            return self._loaded(FactKind.HIGHLIGHT, container)
        return self._unforced_or_forced(container.endpoint.answers, container.about)

    def _get(self, key: Hashable) -> Entry | None:
        entry = self._cache.store.get(key)
        if entry is None:
            return None
        if key not in self._used:
            self.recalls = True
            if self.counts_lookups:
                self._cache.store.counters[kind_of(key)].hits += 1
        self._used[key] = entry
        return entry

    def _read(self, call: Call) -> Any:
        entry = None if self._refetched and call in self._refetched else self._get(call)
        if entry is None:
            return None
        if entry.problem is None:
            return self._decoded(call, entry)
        # A copy per operation: a shared exception would collect the tracebacks of all operations that raised it.
        return copy.copy(entry.problem)

    def _decoded(self, call: Call, entry: Entry) -> Value:
        if len(entry.body) <= SMALL:
            return self._cache.decoded.read(call, entry.body)
        known = self._decoded_large.get(entry.news)
        if known is not None:
            return known
        value = self._cache.decoded.find(call)
        if value is None:
            if self._bytes_left is not None:
                if self._bytes_left <= 0:
                    raise MoreToRead
                self._bytes_left -= len(entry.body)
            value = self._cache.decoded.read(call, entry.body)
        self._decoded_large[entry.news] = value
        return value

    def begin_step(self) -> None:
        """Limit the bytes of entries that are decoded from now on to STEP; beyond that MoreToRead is raised.

        Which entries are needed is known only while they are read. Decoded entries are kept for the next step.
        """
        self._bytes_left = STEP

    def end_step(self) -> None:
        self._bytes_left = None


Reader: TypeAlias = Callable[[OperationView, FactKind, Any], Any]
READERS: Mapping[FactKind, Reader] = {
    FactKind.TRAY_ENTRY: lambda *_: None,  # only trays and highlights contain it
    **dict.fromkeys((FactKind.MEDIA_ENTRY, FactKind.LOCATION_ENTRY), lambda *_: None),  # only other answers have them
    FactKind.IDENTITY: OperationView._identity,
    FactKind.SUMMARY: OperationView._short,
    **dict.fromkeys(ANSWERS, OperationView._answer),
    **dict.fromkeys((*USER_LISTS, *PAGED_LISTS), OperationView._user_list),
    FactKind.PROFILE: OperationView._profile,
    FactKind.HIGHLIGHT: OperationView._loaded,
    FactKind.ITEM: OperationView._item,
}
"""How each kind of fact is read: those without rules of their own are answers."""


def places(outcome: ReadOutcome) -> tuple[Hashable, ...]:
    """Return the keys under which an answer is stored.

    An answer requested by user name also depends on the id behind that name.
    """
    call, value = outcome.call, outcome.value
    key = call if outcome.problem is not None else canonical(call, value)
    if key == call:
        return (key,)
    identity = (key, IdOf(call.key))
    return (*identity, OwnerOf(key.key)) if ANSWERS[call.endpoint.answers].names_user else identity

"""The cache of upstream answers, by the call they answer.

An answer is stored once, under the call that names its subject by id, regardless of how it was requested. Facts
embedded in it are stored beside it: the owner's short fields, the id behind a user name, and the owner of each
highlight (which never changes).
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec
from cachetools import LRUCache

from gateway.cache.bounded_index import BoundedIndex
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.freshness import Kind, Lifetimes, span
from gateway.cache.response_cache import Dependencies
from gateway.cache.store import Entry, EntryStore
from gateway.clock import Clock
from gateway.domain.ids import HighlightId, ItemId, UserId, UserKey
from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, Tray, UserSummary
from gateway.domain.partial import losses, partial
from gateway.errors import Missing, NotFound, PrivateAccount
from gateway.upstream.hikerapi import decoding
from gateway.upstream.hikerapi.client import ReadOutcome
from gateway.upstream.hikerapi.decoding import Value
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

BY_ID = {Endpoint.TRAY_BY_USERNAME: Endpoint.TRAY, Endpoint.PROFILE_BY_USERNAME: Endpoint.PROFILE}
INVALIDATION_LOG_SIZE = 10_000  # invalidated keys whose late answers are dropped: more than writes can be in flight
# An owner's short fields, and the number of entries each lost in decoding (0: the whole value).
SHORT = msgspec.json.Decoder(tuple[UserSummary, dict[str, int]])
# Seconds within which the short fields of the owner are not written again: each highlight of one owner repeats them.
SAME_NEWS = 1.0


# Bytes of entries that are decoded between two turns of other operations: some ten milliseconds.
STEP = 2 * 2**20
SMALL = 10_000  # bytes of an entry whose decoding takes a negligible time


class MoreToRead(Exception):
    """The step's byte limit is reached. The work that needed the entry starts over in the next step."""


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """The key of the short fields of an owner, which were embedded in another answer."""

    user_id: str


@dataclass(frozen=True, slots=True)
class IdOf:
    """The key of the user id behind a user name."""

    username: str


@dataclass(frozen=True, slots=True)
class Stale:
    """An answer past its freshness, `age` seconds old. The short fields alone may stand in for a profile."""

    value: Tray | Profile | UserSummary | LoadedHighlight | Item
    age: float


class EntityCache:
    """The entries of all operations. One operation reads them through its `OperationView`.

    `pointers` is the size in bytes of the indexes from highlights to owners and from items to highlights.
    """

    def __init__(
        self, store: EntryStore, *, clock: Clock, lifetimes: Lifetimes, decoded: DecodedCache, pointers: int
    ) -> None:
        self.store = store
        self.decoded = decoded
        self._clock = clock
        self._lifetimes = lifetimes
        self._owners_of_highlights = BoundedIndex(pointers // 2)  # highlights to owners
        self._highlights_of_items = BoundedIndex(pointers // 2)  # items to highlights
        self._invalidated: LRUCache[Hashable, int] = LRUCache(INVALIDATION_LOG_SIZE)
        self._last_owner: tuple[UserSummary, dict[str, int]] | None = None
        self._last_owner_at = 0.0
        self.version = 0
        """Incremented by each `forget`."""

    def forget(self, user: UserId, name: str, highlight: HighlightId | None = None) -> None:
        """Invalidate the tray of the user of that name, and the highlight, after a change.

        A response to a call sent before the invalidation is not stored either: it may be older than the change.
        """
        self.version += 1
        keys: list[Hashable] = [Call(Endpoint.TRAY, user.pk, forced) for forced in (False, True)]
        # An empty tray is stored under the user name.
        keys += [Call(Endpoint.TRAY_BY_USERNAME, name.lower(), forced) for forced in (False, True)]
        if highlight is not None:
            keys.append(Call(Endpoint.HIGHLIGHT, highlight.pk))
        for key in keys:
            self.store.forget(key)
            self._invalidated[key] = self.version

    def keep(self, outcome: ReadOutcome, *, begun: int | None = None) -> None:
        """Store an answer and the facts embedded in it.

        Failures are never stored: only answers, and absences that were billed.

        That a user name is no longer used is learned from the answer about the user who used it.

        `begun` is the cache's `version` when the call was sent.
        """
        call, value = outcome.call, outcome.value
        if begun is not None and self._invalidated.get(_canonical(call, value), 0) > begun:
            return
        if isinstance(outcome.problem, Missing):
            # A copy, because the buyer raises the original: its traceback would be kept in memory.
            self._put(call, Kind.MISSING, b"", copy.copy(outcome.problem))
            if call.endpoint in BY_ID and isinstance(outcome.problem, NotFound):
                self.store.forget(IdOf(call.key))
        if value is not None:
            self._put(_canonical(call, value), _kind_of(call.endpoint), outcome.body)
            self._store_embedded(value)

    def home(self, pk: str) -> str | None:
        """Return the id of the user who owns the highlight `pk`."""
        return self._owners_of_highlights.get(pk)

    def shelf(self, pk: str) -> str | None:
        """Return the pk of a highlight that the item `pk` was seen in."""
        return self._highlights_of_items.get(pk)

    def age(self, entry: Entry) -> float:
        """Return the seconds since the entry was fetched."""
        return self._clock.now() - entry.fetched_at

    def _store_embedded(self, value: Value) -> None:
        match value:
            case Profile():
                self._store_owner(value)
            case LoadedHighlight():
                self._store_owner_of([value])
                self._highlights_of_items.point([str(item.pk) for item in value.items], value.pk)
            case tuple():
                self._store_owner_of(value)
            case Item():
                pass  # nothing is embedded in it
            case _:
                assert_never(value)

    def _store_owner_of(self, highlights: Sequence[Highlight]) -> None:
        """Store the owner of `highlights`, which all belong to one user."""
        owner = highlights[0].owner if highlights else None
        if owner is not None:
            self._store_owner(owner)
            self._owners_of_highlights.point([highlight.pk for highlight in highlights], owner.id)

    def _store_owner(self, owner: UserSummary) -> None:
        username = owner.username
        if username is None:
            return
        lost = {name: count for name, count in losses(owner).items() if name in UserSummary.__struct_fields__}
        owner, now = owner.alone(), self._clock.now()
        if (
            (owner, lost) == self._last_owner
            and 0 <= now - self._last_owner_at < SAME_NEWS
            and self.store.get(OwnerOf(owner.id))
        ):
            return
        self._last_owner, self._last_owner_at = (owner, lost), now
        self._put(OwnerOf(owner.id), Kind.PROFILE, msgspec.json.encode((owner, lost)))
        self._put(IdOf(username.lower()), Kind.USERNAME, owner.id.encode())

    def _put(self, key: Call | OwnerOf | IdOf, kind: Kind, body: bytes, problem: Missing | None = None) -> None:
        now = self._clock.now()
        lifetime = span(kind, body, now=now, lifetimes=self._lifetimes)
        self.store.put(key, Entry(kind, body, now, lifetime, problem))


class OperationView:
    """The fresh entries that one operation may use, decoded as answers.

    A forced answer skipped the upstream's privacy check, so it serves only operations that may force; an unforced one
    serves every operation. Answers to the calls in `anew` are not served from the cache.
    """

    def __init__(self, memory: EntityCache, *, forced: bool, anew: frozenset[Call] = frozenset()) -> None:
        self._memory = memory
        self._forced = forced
        self._refetched = anew
        self._used: dict[Hashable, Entry | None] = {}
        self._contents: dict[str, dict[str, Item]] = {}
        # Large entries that this operation has decoded: the shared cache of models may have no space for them.
        self._decoded_large: dict[Call, tuple[object, Value]] = {}
        self._bytes_left: int | None = None
        self.recalls = False
        """True once the cache served a fact that this operation did not buy, if only the owner of a highlight."""

    def provenance(self) -> Dependencies | None:
        """Return the entries that were used.

        None if one of them could not be stored: then the response must not be cached.
        """
        entries = [(key, entry) for key, entry in self._used.items() if entry is not None]
        return Dependencies.of(entries) if len(entries) == len(self._used) else None

    def note(self, outcome: ReadOutcome) -> None:
        """Count a bought answer among the entries that were used."""
        for key in places(outcome):
            self._used[key] = self._memory.store.get(key)

    def identity(self, key: UserKey) -> UserId | Missing | None:
        if isinstance(key, UserId):
            return key
        entry = self._get(IdOf(key.name))
        if entry is not None:
            return UserId(entry.body.decode())
        known = self._read(Call(Endpoint.PROFILE_BY_USERNAME, key.name)) or self.tray(key)
        return known if isinstance(known, NotFound) else None

    def tray(self, key: UserKey) -> Tray | Missing | None:
        if isinstance(key, UserId):
            known = self._tray(Endpoint.TRAY, key.pk)
            return _absence(self._read(Call(Endpoint.PROFILE, key.pk))) if known is None else known
        return self._tray(Endpoint.TRAY_BY_USERNAME, key.name)

    def profile(self, key: UserKey) -> Profile | Missing | None:
        if not isinstance(key, UserId):
            return None
        known: Profile | Missing | None = self._read(Call(Endpoint.PROFILE, key.pk))
        return _absence(self._tray(Endpoint.TRAY, key.pk)) if known is None else known

    def short(self, key: UserKey) -> UserSummary | None:
        if not isinstance(key, UserId):
            return None
        entry = self._get(OwnerOf(key.pk))
        return None if entry is None else _short(entry)

    def highlight(self, key: HighlightId) -> LoadedHighlight | Missing | None:
        known: LoadedHighlight | Missing | None = self._read(Call(Endpoint.HIGHLIGHT, key.pk))
        return known

    def item(self, key: ItemId) -> Item | Missing | None:
        known: Item | Missing | None = self._read(Call(Endpoint.ITEM, key.pk))
        return self._item_in_highlight(key) if known is None else known

    def home(self, key: HighlightId) -> UserId | None:
        owner = self._memory.home(key.pk)
        self.recalls |= owner is not None
        return None if owner is None else UserId(owner)

    def shelf(self, key: ItemId) -> HighlightId | None:
        highlight = self._memory.shelf(key.pk)
        self.recalls |= highlight is not None
        return None if highlight is None else HighlightId(highlight)

    def stale(self, call: Call) -> Stale | None:
        """Return the stale answer that may stand in for that of `call`, which the upstream failed to give."""
        if call in self._refetched:
            return None
        if call.endpoint in BY_ID:
            identity = self._memory.store.get(IdOf(call.key), stale=True)
            if identity is None:
                return None
            call = Call(BY_ID[call.endpoint], identity.body.decode(), call.forced)
        entry = self._memory.store.get(call, stale=True)
        if entry is not None and entry.problem is None:
            return Stale(decoding.read(call, entry.body), self._memory.age(entry))
        owner = self._memory.store.get(OwnerOf(call.key), stale=True) if call.endpoint is Endpoint.PROFILE else None
        return None if owner is None else Stale(_short(owner), self._memory.age(owner))

    def _tray(self, endpoint: Endpoint, key: str) -> Tray | Missing | None:
        """Return the tray. An operation that may force is not refused because of an unforced call that was refused."""
        known: Tray | Missing | None = self._read(Call(endpoint, key))
        if self._forced and (known is None or isinstance(known, PrivateAccount)):
            known = self._read(Call(endpoint, key, forced=True))
        return known

    def _item_in_highlight(self, key: ItemId) -> Item | None:
        """Return an item from its highlight, which is indexed once for all of its items."""
        highlight_id = self.shelf(key)
        if highlight_id is None:
            return None
        if highlight_id.pk not in self._contents and isinstance(
            highlight := self.highlight(highlight_id), LoadedHighlight
        ):
            self._contents[highlight_id.pk] = highlight.by_pk()
        return self._contents.get(highlight_id.pk, {}).get(key.pk)

    def _get(self, key: Hashable) -> Entry | None:
        entry = self._memory.store.get(key)
        if entry is not None:
            self.recalls |= key not in self._used
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
            return self._memory.decoded.read(call, entry)
        known = self._decoded_large.get(call)
        if known is not None and known[0] is entry.news:
            return known[1]
        value = self._memory.decoded.find(call, entry)
        if value is None:
            if self._bytes_left is not None:
                if self._bytes_left <= 0:
                    raise MoreToRead
                self._bytes_left -= len(entry.body)
            value = self._memory.decoded.read(call, entry)
        self._decoded_large[call] = entry.news, value
        return value

    def begin_step(self) -> None:
        """Limit the bytes of entries that are decoded from now on to STEP; beyond that MoreToRead is raised.

        Which entries are needed is known only while they are read. Decoded entries are kept for the next step.
        """
        self._bytes_left = STEP

    def end_step(self) -> None:
        self._bytes_left = None


def places(outcome: ReadOutcome) -> tuple[Hashable, ...]:
    """Return the keys under which an answer is stored.

    An answer requested by user name also depends on the id behind that name.
    """
    call, value = outcome.call, outcome.value
    key = call if outcome.problem is not None else _canonical(call, value)
    if key == call or call.endpoint not in BY_ID:
        return (key,)
    return (key, IdOf(call.key), OwnerOf(key.key))


def _kind_of(endpoint: Endpoint) -> Kind:
    match endpoint:
        case Endpoint.TRAY | Endpoint.TRAY_BY_USERNAME:
            return Kind.TRAY
        case Endpoint.PROFILE | Endpoint.PROFILE_BY_USERNAME:
            return Kind.PROFILE
        case Endpoint.HIGHLIGHT | Endpoint.ITEM:
            return Kind.HIGHLIGHT
        case _:
            assert_never(endpoint)


def _absence(known: object) -> NotFound | None:
    """Return the NotFound that `known` is, if any: that a user does not exist holds for every question about them."""
    return known if isinstance(known, NotFound) else None


def _short(entry: Entry) -> UserSummary:
    user, lost = SHORT.decode(entry.body)
    return partial(user, lost) if lost else user


def _canonical(call: Call, value: Value | None) -> Call:
    """Return the call that names the subject of the answer by its id.

    An empty tray does not name its owner, nor does one whose owner could not be decoded: their call stays as it is.
    """
    match call.endpoint:
        case Endpoint.PROFILE_BY_USERNAME:
            return Call(Endpoint.PROFILE, value.id) if isinstance(value, Profile) else call
        case Endpoint.TRAY_BY_USERNAME:
            owner = value[0].owner if isinstance(value, tuple) and value else None
            return call if owner is None else Call(Endpoint.TRAY, owner.id, call.forced)
        case Endpoint.PROFILE | Endpoint.TRAY | Endpoint.HIGHLIGHT | Endpoint.ITEM:
            return call
        case _:
            assert_never(call.endpoint)

"""What the gateway remembers of past answers, by the question they answer.

An answer is kept once, under the call that names its subject by id, however it was asked for. What rides on it is kept
beside it: the owner's short fields, whose user name is whose, and whose highlight is whose (that never changes).
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
from gateway.cache.store import Entry, Store
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
INVALIDATION_LOG_SIZE = 10_000  # questions whose late answers are not believed: of more writes than can be on their way
# An owner's short fields, and what they lost.
SHORT = msgspec.json.Decoder(tuple[UserSummary, dict[str, int]])
# The riders of each highlight say the same of its owner: within these seconds it need not be written down again.
SAME_NEWS = 1.0


# Bytes of entries that are read as models between two turns of others: some ten milliseconds.
STEP = 2 * 2**20
SMALL = 10_000  # bytes of an entry that is read in no time


class MoreToRead(Exception):
    """A step is over. What it was for is begun again in the next."""


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """Key of the short fields that rode on another answer."""

    user_id: str


@dataclass(frozen=True, slots=True)
class IdOf:
    """Key of the id behind a user name."""

    username: str


@dataclass(frozen=True, slots=True)
class Stale:
    """An answer past its freshness, `age` seconds old. A profile's place may be taken by the short fields alone."""

    value: Tray | Profile | UserSummary | LoadedHighlight | Item
    age: float


class EntityCache:
    """Entries of all operations. What one operation may see of them is its `OperationView`.

    `pointers` are the bytes for whose highlight and in which highlight something is.
    """

    def __init__(
        self, store: Store, *, clock: Clock, lifetimes: Lifetimes, decoded: DecodedCache, pointers: int
    ) -> None:
        self.store = store
        self.decoded = decoded
        self._clock = clock
        self._lifetimes = lifetimes
        self._homes = BoundedIndex(pointers // 2)  # highlights to their owners
        self._shelves = BoundedIndex(pointers // 2)  # items to their highlights
        self._forgotten: LRUCache[Hashable, int] = LRUCache(INVALIDATION_LOG_SIZE)
        self._told: tuple[UserSummary, dict[str, int]] | None = None
        self._told_at = 0.0
        self.version = 0
        """Grows with each `forget`."""

    def forget(self, user: UserId, name: str, highlight: HighlightId | None = None) -> None:
        """Drops the tray of the user of that name, and the highlight: they are not any more what they were.

        An answer to a question that was put before is not kept either: it may be older than the change.
        """
        self.version += 1
        keys: list[Hashable] = [Call(Endpoint.TRAY, user.pk, forced) for forced in (False, True)]
        # An empty tray is kept under the name.
        keys += [Call(Endpoint.TRAY_BY_USERNAME, name.lower(), forced) for forced in (False, True)]
        if highlight is not None:
            keys.append(Call(Endpoint.HIGHLIGHT, highlight.pk))
        for key in keys:
            self.store.forget(key)
            self._forgotten[key] = self.version

    def keep(self, outcome: ReadOutcome, *, begun: int | None = None) -> None:
        """Keeps an answer and what rides on it. Trouble is never kept: only answers and paid-for absences are.

        That a name is no longer used comes with an answer: that of the user who used it.

        `begun` is the `version` at which the question was put.
        """
        call, value = outcome.call, outcome.value
        if begun is not None and self._forgotten.get(_canonical(call, value), 0) > begun:
            return
        if isinstance(outcome.problem, Missing):
            # A copy, for whoever bought it raises it: what it was raised in would be kept along.
            self._put(call, Kind.MISSING, b"", copy.copy(outcome.problem))
            if call.endpoint in BY_ID and isinstance(outcome.problem, NotFound):
                self.store.forget(IdOf(call.key))
        if value is not None:
            self._put(_canonical(call, value), _kind_of(call.endpoint), outcome.body)
            self._keep_riders(value)

    def home(self, pk: str) -> str | None:
        """The id of the user whose highlight `pk` is."""
        return self._homes.get(pk)

    def shelf(self, pk: str) -> str | None:
        """The pk of a highlight that the item `pk` was seen in."""
        return self._shelves.get(pk)

    def age(self, entry: Entry) -> float:
        """Seconds since the entry was fetched."""
        return self._clock.now() - entry.fetched_at

    def _keep_riders(self, value: Value) -> None:
        match value:
            case Profile():
                self._keep_owner(value)
            case LoadedHighlight():
                self._keep_home([value])
                self._shelves.point([str(item.pk) for item in value.items], value.pk)
            case tuple():
                self._keep_home(value)
            case Item():
                pass  # nothing rides on it
            case _:
                assert_never(value)

    def _keep_home(self, highlights: Sequence[Highlight]) -> None:
        """Of one user."""
        owner = highlights[0].owner if highlights else None
        if owner is not None:
            self._keep_owner(owner)
            self._homes.point([highlight.pk for highlight in highlights], owner.id)

    def _keep_owner(self, owner: UserSummary) -> None:
        username = owner.username
        if username is None:
            return
        lost = {name: count for name, count in losses(owner).items() if name in UserSummary.__struct_fields__}
        owner, now = owner.alone(), self._clock.now()
        if (owner, lost) == self._told and 0 <= now - self._told_at < SAME_NEWS and self.store.get(OwnerOf(owner.id)):
            return
        self._told, self._told_at = (owner, lost), now
        self._put(OwnerOf(owner.id), Kind.PROFILE, msgspec.json.encode((owner, lost)))
        self._put(IdOf(username.lower()), Kind.USERNAME, owner.id.encode())

    def _put(self, key: Call | OwnerOf | IdOf, kind: Kind, body: bytes, problem: Missing | None = None) -> None:
        now = self._clock.now()
        lifetime = span(kind, body, now=now, lifetimes=self._lifetimes)
        self.store.put(key, Entry(kind, body, now, lifetime, problem))


class OperationView:
    """What one operation may know from before: the fresh entries, read as answers.

    A forced answer skipped the upstream's privacy check, so it serves only operations that may force; an unforced one
    serves everybody. Answers to the calls in `anew` are not recalled.
    """

    def __init__(self, memory: EntityCache, *, forced: bool, anew: frozenset[Call] = frozenset()) -> None:
        self._memory = memory
        self._forced = forced
        self._anew = anew
        self._used: dict[Hashable, Entry | None] = {}
        self._contents: dict[str, dict[str, Item]] = {}
        # What was read of those that are not small: there may be no room for them among the models of all.
        self._read_before: dict[Call, tuple[object, Value]] = {}
        self._left: int | None = None
        self.recalls = False
        """Whether anything has been recalled that was not bought along the way, if only where something is."""

    def provenance(self) -> Dependencies | None:
        """The entries that were used; None if one could not be kept, so that the answer stands on nothing."""
        entries = [(key, entry) for key, entry in self._used.items() if entry is not None]
        return Dependencies.of(entries) if len(entries) == len(self._used) else None

    def note(self, outcome: ReadOutcome) -> None:
        """Counts a bought answer among the entries that were used."""
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
        return self._shelved(key) if known is None else known

    def home(self, key: HighlightId) -> UserId | None:
        owner = self._memory.home(key.pk)
        self.recalls |= owner is not None
        return None if owner is None else UserId(owner)

    def shelf(self, key: ItemId) -> HighlightId | None:
        highlight = self._memory.shelf(key.pk)
        self.recalls |= highlight is not None
        return None if highlight is None else HighlightId(highlight)

    def stale(self, call: Call) -> Stale | None:
        """What may stand in for the answer of `call`, now that the upstream failed to give it."""
        if call in self._anew:
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
        """Who may force is not refused because somebody else, who may not, was."""
        known: Tray | Missing | None = self._read(Call(endpoint, key))
        if self._forced and (known is None or isinstance(known, PrivateAccount)):
            known = self._read(Call(endpoint, key, forced=True))
        return known

    def _shelved(self, key: ItemId) -> Item | None:
        """Each highlight is read once, however many of its items are asked for."""
        shelf = self.shelf(key)
        if shelf is None:
            return None
        if shelf.pk not in self._contents and isinstance(highlight := self.highlight(shelf), LoadedHighlight):
            self._contents[shelf.pk] = highlight.by_pk()
        return self._contents.get(shelf.pk, {}).get(key.pk)

    def _get(self, key: Hashable) -> Entry | None:
        entry = self._memory.store.get(key)
        if entry is not None:
            self.recalls |= key not in self._used
            self._used[key] = entry
        return entry

    def _read(self, call: Call) -> Any:
        entry = None if self._anew and call in self._anew else self._get(call)
        if entry is None:
            return None
        if entry.problem is None:
            return self._decoded(call, entry)
        # Each operation raises its own, or this one would gather what all of them were at when they raised it.
        return copy.copy(entry.problem)

    def _decoded(self, call: Call, entry: Entry) -> Value:
        if len(entry.body) <= SMALL:
            return self._memory.decoded.read(call, entry)
        known = self._read_before.get(call)
        if known is not None and known[0] is entry.news:
            return known[1]
        value = self._memory.decoded.find(call, entry)
        if value is None:
            if self._left is not None:
                if self._left <= 0:
                    raise MoreToRead
                self._left -= len(entry.body)
            value = self._memory.decoded.read(call, entry)
        self._read_before[call] = entry.news, value
        return value

    def begin_step(self) -> None:
        """From now on so much is read of entries and no more: then MoreToRead is raised.

        Which entries are to be read is known only as they are. What was read is not read again.
        """
        self._left = STEP

    def end_step(self) -> None:
        self._left = None


def places(outcome: ReadOutcome) -> tuple[Hashable, ...]:
    """Where an answer is kept. One that was asked for by name also stands on whose name that is."""
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
    """That a user does not exist was paid for once: it holds for whatever else is asked about them."""
    return known if isinstance(known, NotFound) else None


def _short(entry: Entry) -> UserSummary:
    user, lost = SHORT.decode(entry.body)
    return partial(user, lost) if lost else user


def _canonical(call: Call, value: Value | None) -> Call:
    """The call that names the subject of the answer by its id; an empty tray does not tell whose it is,
    nor does one whose owner could not be read."""
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

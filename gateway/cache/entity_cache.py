"""The cache of upstream answers, by the call they answer.

An answer is stored once, under the call that names its subject by id, regardless of how it was requested. Facts
embedded in it are stored beside it: the owner's short fields, the id behind a user name, and the owner of each
highlight (which never changes).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

import msgspec
from cachetools import LRUCache
from msgspec.structs import replace

from gateway.cache.bounded_index import BoundedIndex
from gateway.cache.entry_keys import IdOf, OwnerOf
from gateway.cache.freshness import Lifetimes, Span, span
from gateway.cache.statistics import FactStatistics
from gateway.cache.store import Entry, EntryStore
from gateway.clock import Clock
from gateway.domain.ids import EntityId, HighlightId, Subject, UserId, Username
from gateway.domain.list_pages import ListPage
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.partial import losses, partial
from gateway.domain.users import UserSummary
from gateway.errors import CursorExpired, Missing, NotFound
from gateway.reads.endpoints import Call, Endpoint, Endpoints, call_about
from gateway.reads.facts import ANSWER_OF, ANSWERS, USER_LISTS, FactKind, Lifetime, Value, user_of
from gateway.reads.port import ReadOutcome

ABSENT_USERS = 10_000  # whose absence is found by another question than the one that was answered
INVALIDATION_LOG_SIZE = 10_000  # invalidated keys whose late answers are dropped: more than writes can be in flight
# An owner's short fields, and the number of entries each lost in decoding (0: the whole value).
SHORT = msgspec.json.Decoder(tuple[UserSummary, dict[str, int]])
# Seconds within which the short fields of the owner are not written again: each highlight of one owner repeats them.
SAME_NEWS = 1.0


@dataclass(frozen=True, slots=True)
class Stored:
    """The call that an answer is stored under, and until when."""

    call: Call
    span: Span


class EntityCache:
    """The entries of all operations. One operation reads them through its `OperationView`.

    `endpoints` are those of the read API. `pointers` is the size in bytes of the indexes from highlights to owners, and
    from items to highlights and lists.
    """

    def __init__(
        self,
        store: EntryStore,
        endpoints: Endpoints[Endpoint],
        *,
        clock: Clock,
        lifetimes: Lifetimes,
        pointers: int,
    ) -> None:
        self.endpoints = endpoints
        self.store = store
        self.decoded = store.decoded
        self._clock = clock
        self._lifetimes = lifetimes
        self._owners_of_highlights: BoundedIndex[str] = BoundedIndex(pointers * 9 // 20)
        self._highlights_of_items: BoundedIndex[str] = BoundedIndex(pointers * 9 // 20)
        self._lists_of_items: BoundedIndex[Call] = BoundedIndex(pointers // 10)
        self._invalidated: LRUCache[Hashable, int] = LRUCache(INVALIDATION_LOG_SIZE)
        self._absent_users: LRUCache[Subject, None] = LRUCache(ABSENT_USERS)
        self._forgotten: tuple[list[tuple[FactKind, Subject]], int] | None = None
        self._last_owner: tuple[UserSummary, dict[str, int]] | None = None
        self._last_owner_at = 0.0
        self.version = 0
        """Incremented by each `forget`, and by `ignore_earlier_calls`."""
        self.on_forget: Callable[[list[tuple[FactKind, Subject]]], None] = lambda keys: None
        """Called with what a `forget` has invalidated: other instances cache it, too."""
        self._ignored_before = 0

    def forget(self, user: UserId, name: str, entity: EntityId | None = None) -> None:
        """Invalidate the lists of the user of that name, and the entity, after a change.

        A response to a call sent before the invalidation is not stored either: it may be older than the change.
        """
        # An empty list is stored under the user name.
        subjects: tuple[Subject, ...] = (user, Username(name.lower()))
        keys = [(kind, subject) for kind in USER_LISTS for subject in subjects]
        self._forget(keys if entity is None else [*keys, (ANSWER_OF[type(entity)], entity)])

    def forget_entity(self, entity: EntityId) -> None:
        """Invalidate the entity's own answer, as `forget` does."""
        self._forget([(ANSWER_OF[type(entity)], entity)])

    def ignore_earlier_calls(self) -> None:
        """Store no answer to a call that was sent before now, whatever it is about."""
        self.version += 1
        self._ignored_before = self.version

    def forget_pointers(self, keys: Collection[Hashable]) -> None:
        """Remove what the indexes have from the entries of these keys."""
        calls = [key for key in keys if isinstance(key, Call)]
        for call in calls:
            self._absent_users.pop(call.endpoint.by(call.key), None)
        self._lists_of_items.remove(frozenset(calls))
        self._highlights_of_items.remove({call.key for call in calls if call.endpoint.by is HighlightId})
        self._owners_of_highlights.remove({key.user_id for key in keys if isinstance(key, OwnerOf)})

    def _forget(self, keys: list[tuple[FactKind, Subject]]) -> None:
        self.invalidate(keys)
        self.on_forget(keys)  # in any case: another instance may have stored an answer since the last time

    def invalidate(self, keys: list[tuple[FactKind, Subject]]) -> None:
        """Invalidate the answers about these subjects."""
        self.version += 1
        for kind, subject in keys:
            self._invalidated[kind, subject.key] = self.version
        # All who wait for a write tell of its end, and nothing was stored since the first of them did.
        if (keys, self.store.version) != self._forgotten:
            for kind, subject in keys:
                self._drop(kind, subject)
            self._forgotten = keys, self.store.version

    def keep(self, outcome: ReadOutcome, *, begun: int | None = None, fetched_at: float | None = None) -> Stored | None:
        """Store an answer and the facts embedded in it. Return where it is stored; None if it is not.

        Failures are never stored: only answers, and absences that were billed.

        That a user name is no longer used is learned from the answer about the user who used it.

        `begun` is the cache's `version` when the call was sent. An answer that another instance has fetched, at
        `fetched_at`, replaces no later one.
        """
        call, value = outcome.call, outcome.value
        key = canonical(call, value)
        invalidated = max(self._ignored_before, self._invalidated.get((key.endpoint.answers, key.key), 0))
        if begun is not None and invalidated > begun:
            return None
        stored, now = None, self._clock.now() if fetched_at is None else fetched_at
        if isinstance(outcome.problem, Missing):
            stored = Stored(call, self._put(call, Lifetime.MISSING, b"", now, _uncharged(outcome.problem)))
            if isinstance(outcome.problem, NotFound) and issubclass(call.endpoint.by, UserId | Username):
                self._absent_users[call.endpoint.by(call.key)] = None
            if call.endpoint.by_name and isinstance(outcome.problem, NotFound):
                self.store.forget(IdOf(call.key))
            if isinstance(outcome.problem, CursorExpired):
                self._drop_pages_before(call)
        if value is not None:
            row = ANSWERS[call.endpoint.answers]
            ends_at = None if row.ends_at is None else row.ends_at(value, now)
            until = self._put(key, row.lifetime, outcome.body, now, ends_at=ends_at)
            stored = Stored(key, until) if stored is None else stored
            is_unnamed = key is not call and not row.names_user  # the answer does not say whose name was asked for
            if is_unnamed and outcome.problem is None:  # else the user is renamed
                self._put(IdOf(call.key), Lifetime.USERNAME, key.key.encode(), now)
            self._store_embedded(key, value, now)
        return stored

    def statistics(self) -> dict[FactKind, FactStatistics]:
        """Return the counts of each kind of fact since the start, as a copy."""
        return self.store.counters.snapshot()

    @property
    def pointers_size(self) -> int:
        """The size of the indexes in bytes, estimated."""
        return self._owners_of_highlights.size + self._highlights_of_items.size + self._lists_of_items.size

    def may_be_absent(self, user: UserId | Username) -> bool:
        """Return whether an answer may say that there is no such user."""
        return user in self._absent_users

    def owner_of(self, pk: str) -> str | None:
        """Return the id of the user who owns the highlight `pk`."""
        return self._owners_of_highlights.get(pk)

    def highlight_of(self, pk: str) -> str | None:
        """Return the pk of a highlight that the item `pk` was seen in."""
        return self._highlights_of_items.get(pk)

    def list_of(self, pk: str) -> Call | None:
        """Return the call whose answer is a user's list in which the item `pk` was seen."""
        return self._lists_of_items.get(pk)

    def age(self, entry: Entry) -> float:
        """Return the seconds since the entry was fetched."""
        return self._clock.now() - entry.fetched_at

    def _drop(self, kind: FactKind, subject: Subject) -> None:
        for call in self.calls_about(kind, subject):
            self.store.forget(call)

    def calls_about(self, kind: FactKind, subject: Subject) -> tuple[Call, ...]:
        """Return the calls whose answers are the fact of this kind about the subject."""
        endpoint = self.endpoints.find(kind, type(subject))
        return () if endpoint is None else calls_of(endpoint, subject)

    def _drop_pages_before(self, call: Call) -> None:
        """Drop the pages that lead from the beginning of a list to the cursor of `call`, which has expired.

        Whoever starts over would come to the same cursor again.
        """
        for first in calls_of(call.endpoint, call.endpoint.by(call.key)):
            path: dict[Call, None] = {}
            page: Call | None = first
            while page is not None and page not in path and page.cursor != call.cursor:
                path[page] = None
                page = self._following(page)
            if page is not None and page.cursor == call.cursor:
                for before in path:
                    self.store.forget(before)

    def _following(self, page: Call) -> Call | None:
        """Return the call of the page that follows a stored one."""
        entry = self.store.get(page)
        if entry is None or entry.problem is not None:
            return None
        found = self.decoded.read(page, entry.body)
        return replace(page, cursor=found.next) if isinstance(found, ListPage) and found.next else None

    def _store_embedded(self, key: Call, value: Value, now: float) -> None:
        user = user_of(value)
        if user is not None:
            self._store_owner(user, now)
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, LoadedHighlight):
                self._highlights_of_items.point([str(item.pk) for item in entry.items], entry.pk)
        if user is not None and isinstance(value, Highlight):
            self._owners_of_highlights.point([value.pk], user.id)
        if isinstance(value, tuple) and value:
            pks = [str(entry.pk) for entry in value]
            if isinstance(value[0], Item):
                self._lists_of_items.point(pks, key)
            elif user is not None:
                self._owners_of_highlights.point(pks, user.id)

    def _store_owner(self, owner: UserSummary, now: float) -> None:
        username = owner.username
        if username is None:
            return
        lost = {name: count for name, count in losses(owner).items() if name in UserSummary.__struct_fields__}
        owner = owner.alone()
        if (
            (owner, lost) == self._last_owner
            and 0 <= now - self._last_owner_at < SAME_NEWS
            and self.store.get(OwnerOf(owner.id))
        ):
            return
        self._last_owner, self._last_owner_at = (owner, lost), now
        self._put(OwnerOf(owner.id), Lifetime.PROFILE, msgspec.json.encode((owner, lost)), now)
        self._put(IdOf(username.lower()), Lifetime.USERNAME, owner.id.encode(), now)

    def _put(
        self,
        key: Call | OwnerOf | IdOf,
        lifetime: Lifetime,
        body: bytes,
        now: float,
        problem: Missing | None = None,
        *,
        ends_at: float | None = None,
    ) -> Span:
        """Store an entry that was fetched at `now`, unless there is a later one. Return the span of what is stored."""
        before = self.store.peek(key)
        if before is not None and now < before.fetched_at <= self._clock.now():
            return before.span
        until = span(lifetime, body, now=now, lifetimes=self._lifetimes, ends_at=ends_at)
        self.store.put(key, Entry(lifetime, body, now, until, problem))
        return until


def calls_of(endpoint: Endpoint, subject: Subject) -> tuple[Call, ...]:
    """Return the calls of an endpoint about `subject`: unforced, and forced if it can be."""
    unforced = call_about(endpoint, subject)
    return (unforced,) if endpoint.forced_price is None else (unforced, call_about(endpoint, subject, forced=True))


def _uncharged(problem: Missing) -> Missing:
    """Return a copy for those who are not charged for it.

    It is a copy because the fetcher raises the original: its traceback would be kept in memory.
    """
    free = copy.copy(problem)
    free.extensions = {name: value for name, value in problem.extensions.items() if name != "charged"}
    return free


def short_fields(entry: Entry) -> UserSummary:
    """Decode an entry of an owner's short fields."""
    user, lost = SHORT.decode(entry.body)
    return partial(user, lost) if lost else user


def canonical(call: Call, value: Value | None) -> Call:
    """Return the call that names the subject of the answer by its id.

    An empty list does not name its owner, nor does one whose owner could not be decoded: their call stays as it is.
    """
    by_id = call.endpoint.by_id
    owner = None if by_id is None or value is None else user_of(value)
    return call if by_id is None or owner is None else Call(by_id, owner.id, call.forced)

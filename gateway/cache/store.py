"""The store of entries: raw upstream answers in memory, bounded by bytes.

Raw bytes, because decoded objects take three times the memory and the garbage collector traverses all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from cachetools import Cache, TLRUCache

from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.freshness import Span
from gateway.cache.statistics import FactCounters
from gateway.clock import Clock
from gateway.errors import Missing
from gateway.reads.facts import Lifetime

# Bytes of an entry besides its body: key, Entry, floats, two linked-list nodes.
OVERHEAD = 1_000
# Bytes of the exception of an entry without a body.
PROBLEM = 700


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached answer: its bytes, or the error that says why there are none. Times are Unix seconds.

    `news` identifies the content. Replacing an entry by one with equal content keeps its `news`.
    """

    lifetime: Lifetime
    body: bytes
    fetched_at: float
    span: Span
    problem: Missing | None = None
    news: object = field(default_factory=object, repr=False, compare=False)

    def is_fresh(self, now: float) -> bool:
        return now < self.span.fresh_until

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.body) + (0 if self.problem is None else PROBLEM)


class EntryStore:
    """Entries by key. The least recently used are evicted first at `max_bytes`; expired ones are dropped.

    A value in `decoded` is that of the entry stored under its key, and goes with it.
    """

    def __init__(self, max_bytes: int, clock: Clock, decoded: DecodedCache | None = None) -> None:
        self._clock = clock
        self.decoded = DecodedCache(0) if decoded is None else decoded
        self.counters = FactCounters()
        self._entries = _Entries(max_bytes, clock, self.decoded.drop, self.counters)
        self.version = 0
        """Incremented by each `put` and `forget`; while unchanged, entries disappear by their own expiry alone."""

    def get(self, key: Hashable, *, stale: bool = False) -> Entry | None:
        """Return a fresh entry; with `stale` also one that may be served only because the upstream fails."""
        entry = self._entries.get(key)
        return entry if entry and (stale or entry.is_fresh(self._clock.now())) else None

    def peek(self, key: Hashable) -> Entry | None:
        """Return the entry of `key`, stale or not, without counting as a use."""
        return self._entries.peek(key)

    def key_list(self) -> list[Hashable]:
        """Return the keys of all entries, also of some that have expired."""
        return self._entries.key_list()

    def put(self, key: Hashable, entry: Entry) -> None:
        """Store an entry in place of the one under `key`.

        An entry that is larger than the whole cache, or expired already, is not stored; the one it replaces is dropped
        nevertheless.
        """
        self.version += 1
        before = self._entries.pop(key, None)
        is_unchanged = before is not None and before.body == entry.body and before.problem is entry.problem
        if before is not None and is_unchanged:
            entry = replace(entry, news=before.news)
        if entry.size <= self._entries.maxsize:
            self._entries.add(key, entry)
        if not is_unchanged or key not in self._entries:
            self.decoded.drop(key)

    def forget(self, key: Hashable) -> None:
        """Drop the entry of `key`."""
        self.version += 1
        self._entries.pop(key, None)
        self.decoded.drop(key)

    @property
    def bytes(self) -> int:
        return int(self._entries.currsize)

    def __len__(self) -> int:
        return len(self._entries)


class _Entries(TLRUCache[Hashable, Entry]):
    """The entries, which are counted. `on_drop` is called with the keys of those that are evicted or expire."""

    def __init__(
        self, max_bytes: int, clock: Clock, on_drop: Callable[[Hashable], None], counters: FactCounters
    ) -> None:
        super().__init__(maxsize=max_bytes, ttu=_serve_until, timer=clock.now, getsizeof=_size)
        self._on_drop = on_drop
        self._counters = counters

    def add(self, key: Hashable, entry: Entry) -> None:
        """Store an entry under a key that has none. An entry that has expired already is not stored."""
        self[key] = entry
        if key in self:
            self._counters.stored(key, entry.size)

    def __delitem__(self, key: Hashable) -> None:
        entry = self[key]
        super().__delitem__(key)
        self._counters.removed(key, entry.size)

    def key_list(self) -> list[Hashable]:
        return list(Cache.__iter__(self))  # TLRUCache looks at the time of each: half a second for a full store

    def peek(self, key: Hashable) -> Entry | None:
        # TLRUCache itself would move the entry to the end of those that are evicted first.
        return Cache.__getitem__(self, key) if key in self else None

    def popitem(self) -> tuple[Hashable, Entry]:
        key, entry = super().popitem()
        self._on_drop(key)
        return key, entry

    def expire(self, time: float | None = None) -> list[tuple[Hashable, Entry]]:
        expired = super().expire(time)
        for key, entry in expired:
            self._counters.removed(key, entry.size)
            self._on_drop(key)
        return expired


def _serve_until(key: Hashable, entry: Entry, now: float) -> float:
    return entry.span.serve_until


def _size(entry: Entry) -> int:
    return entry.size

"""The entries: raw upstream answers in memory, bounded by bytes.

Raw bytes, because decoded objects cost three times the memory and the garbage collector walks them all.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from cachetools import TLRUCache

from gateway.cache.freshness import Kind, Span
from gateway.clock import Clock
from gateway.errors import Missing

# What CPython and the cache spend on an entry besides its body: key, Entry, floats, two linked-list nodes.
OVERHEAD = 1_000
# And on the exception that says why there is nothing.
PROBLEM = 700


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached answer: its bytes, or why there is nothing to be had. Times are Unix seconds.

    `news` stands for what it says: an entry that is put in the place of one that says the same takes that one's.
    """

    kind: Kind
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


class Store:
    """Least recently used entries go first when `max_bytes` is reached; expired ones go by themselves."""

    def __init__(self, max_bytes: int, clock: Clock) -> None:
        self._clock = clock
        self._entries: TLRUCache[Hashable, Entry] = TLRUCache(
            maxsize=max_bytes, ttu=_serve_until, timer=clock.now, getsizeof=_size
        )
        self.version = 0
        """Grows with each `put` and `forget`: while it stays, entries go by their own expiry alone."""

    def get(self, key: Hashable, *, stale: bool = False) -> Entry | None:
        """A fresh entry; with `stale` also one that may be served only because the upstream fails."""
        entry = self._entries.get(key)
        return entry if entry and (stale or entry.is_fresh(self._clock.now())) else None

    def put(self, key: Hashable, entry: Entry) -> None:
        """An entry that is too large for the whole cache, or dead already, is not kept, nor is what it replaces."""
        self.version += 1
        before = self._entries.pop(key, None)
        if before is not None and before.body == entry.body and before.problem is entry.problem:
            entry = replace(entry, news=before.news)
        if entry.size <= self._entries.maxsize:
            self._entries[key] = entry

    def forget(self, key: Hashable) -> None:
        self.version += 1
        self._entries.pop(key, None)

    @property
    def bytes(self) -> int:
        return int(self._entries.currsize)

    def __len__(self) -> int:
        return len(self._entries)


def _serve_until(key: Hashable, entry: Entry, now: float) -> float:
    return entry.span.serve_until


def _size(entry: Entry) -> int:
    return entry.size

"""Counts of what the caches hold, and of how often they answered. Plain integers since the start of the process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, replace

from gateway.cache.entry_keys import kind_of
from gateway.reads.facts import FactKind


@dataclass(slots=True)
class FactStatistics:
    """The entries of one kind of fact, and the lookups of operations.

    An operation looks up a fact once: a `hit` was answered by a fresh entry, a `miss` was not, so a call was needed
    (made or shared, successful or not); `stale` counts calls that failed and that a stale entry stood in for. Prices
    of operations are no lookups. Short fields and ids of users have no misses, because no call is made for them alone.
    """

    entries: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0
    stale: int = 0

    @property
    def lookups(self) -> int:
        return self.hits + self.misses + self.stale


@dataclass(frozen=True, slots=True)
class ResponseStatistics:
    """The cached responses with their replays, and the operations whose response is the same for every client.

    `replays` were answered before routing, `hits` after it, and `misses` were executed without errors.
    """

    responses: int
    bytes: int
    replays: int
    hits: int
    misses: int


class FactCounters(defaultdict[FactKind, FactStatistics]):
    """The counts of each kind of fact that the cache has had to do with. They are incremented without a lock."""

    def __init__(self) -> None:
        super().__init__(FactStatistics)

    def stored(self, key: Hashable, size: int) -> None:
        counts = self[kind_of(key)]
        counts.entries += 1
        counts.bytes += size

    def removed(self, key: Hashable, size: int) -> None:
        counts = self[kind_of(key)]
        counts.entries -= 1
        counts.bytes -= size

    def snapshot(self) -> dict[FactKind, FactStatistics]:
        """Return a copy."""
        return {kind: replace(counts) for kind, counts in self.items()}

"""A cache of whole GraphQL responses, kept as bytes while every entry they were built from is unchanged.

A response records the entries it depends on. It is valid only while each of them is in the store, fresh and unchanged,
so it expires with the earliest of them, and when any of them is evicted, invalidated or replaced by different content:
no explicit invalidation is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cachetools import LRUCache

from gateway.cache.store import Entry, EntryStore
from gateway.clock import Clock

# Metadata key of a schema field: its value is the same for every client, so that it may be cached for all clients. A
# response's cache key holds no client.
SHARED = "shared"
# Bytes of a response besides its data, and of each entry that it depends on: measured.
OVERHEAD = 800
EACH_NEWS = 200


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The content ids of the entries that a response was built from, by their keys in the store.

    It does not hold the entries: their bytes would then be kept beyond the store's bound. `fresh_until` is in Unix
    seconds.
    """

    news: tuple[tuple[Hashable, object], ...]
    fresh_until: float

    @classmethod
    def of(cls, entries: Iterable[tuple[Hashable, Entry]]) -> Self:
        """Return the dependencies on `entries`. A response that depends on none stays fresh for ever."""
        entries = tuple(entries)
        fresh_until = min((entry.span.fresh_until for _, entry in entries), default=float("inf"))
        return cls(tuple((key, entry.news) for key, entry in entries), fresh_until)

    def stands(self, store: EntryStore) -> bool:
        """Return whether every entry is still in the store, fresh and unchanged."""
        return all((entry := store.get(key)) is not None and entry.news is news for key, news in self.news)


@dataclass(frozen=True)
class Response:
    """A cached response.

    `data` is its data as JSON; `worth` is what buying it again would cost, in billed requests. Its ETag is weak,
    because the bill beside the data differs each time.
    """

    data: bytes
    worth: int
    provenance: Dependencies

    @cached_property
    def etag(self) -> str:
        return f'W/"{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"'

    @property
    def size(self) -> int:
        """The size in bytes, with its cache key."""
        return OVERHEAD + len(self.data) + EACH_NEWS * len(self.provenance.news)


class _CachedResponse:
    """A response, and the store's version at which it was last found valid."""

    __slots__ = ("fresh_until", "response", "version")

    def __init__(self, response: Response, version: int) -> None:
        self.response = response
        self.fresh_until = response.provenance.fresh_until
        self.version = version


class Responses:
    """Responses by cache key; the least recently used are evicted first when `max_bytes` is reached."""

    def __init__(self, max_bytes: int, *, store: EntryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._responses: LRUCache[Hashable, _CachedResponse] = LRUCache(
            max_bytes, getsizeof=lambda cached: cached.response.size
        )

    def find(self, key: Hashable) -> Response | None:
        """Return the response of `key` if it is still valid; drop it otherwise."""
        cached = self._responses.get(key)
        if cached is None:
            return None
        if self._is_valid(cached):
            return cached.response
        del self._responses[key]
        return None

    def keep(self, key: Hashable, response: Response) -> None:
        """Store a response. One that is larger than the whole cache, or not valid any more, is not stored."""
        self._responses.pop(key, None)
        if response.size <= self._responses.maxsize and response.provenance.stands(self._store):
            self._responses[key] = _CachedResponse(response, self._store.version)

    def life(self, response: Response) -> float:
        """Return the seconds for which the response is still fresh."""
        return max(0.0, response.provenance.fresh_until - self._clock.now())

    def _is_valid(self, cached: _CachedResponse) -> bool:
        """Return whether a cached response is valid.

        While the store's version is unchanged only time can invalidate a response.
        """
        if self._clock.now() >= cached.fresh_until:
            return False
        if cached.version != self._store.version:
            if not cached.response.provenance.stands(self._store):
                return False
            cached.version = self._store.version
        return True

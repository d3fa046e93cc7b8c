"""Whole answers, kept as bytes for as long as everything they were made of stands.

An answer knows its entries. It is good only while each of them is in the store, fresh, and says the same, so it dies
with the earliest expiry, and when any of them is replaced by other news, evicted or forgotten: nobody has to tell it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cachetools import LRUCache

from gateway.cache.store import Entry, Store
from gateway.clock import Clock

# In the metadata of a schema's field: what it answers is the same for every client, so that it may be kept for all. An
# answer's key holds no client.
SHARED = "shared"
# Bytes of an answer besides its data, and of each entry that it knows: measured.
OVERHEAD = 800
EACH_NEWS = 200


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the entries said that an answer was made of, by their keys in the store.

    Not the entries: their bytes would be kept beyond the store's bound. `fresh_until` is in Unix seconds.
    """

    news: tuple[tuple[Hashable, object], ...]
    fresh_until: float

    @classmethod
    def of(cls, entries: Iterable[tuple[Hashable, Entry]]) -> Self:
        """An answer that needed nothing of the upstream stays fresh."""
        entries = tuple(entries)
        fresh_until = min((entry.span.fresh_until for _, entry in entries), default=float("inf"))
        return cls(tuple((key, entry.news) for key, entry in entries), fresh_until)

    def stands(self, store: Store) -> bool:
        return all((entry := store.get(key)) is not None and entry.news is news for key, news in self.news)


@dataclass(frozen=True)
class Response:
    """A finished answer.

    `data` is its data as JSON; `worth` is what it would cost, in billed requests, to buy anew. Its tag is weak, as the
    bill beside the data differs each time.
    """

    data: bytes
    worth: int
    provenance: Dependencies

    @cached_property
    def etag(self) -> str:
        return f'W/"{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"'

    @property
    def size(self) -> int:
        """In bytes, with the key that it is kept by."""
        return OVERHEAD + len(self.data) + EACH_NEWS * len(self.provenance.news)


class _Kept:
    """An answer, and the store's version at which it was last seen to stand."""

    __slots__ = ("fresh_until", "response", "version")

    def __init__(self, response: Response, version: int) -> None:
        self.response = response
        self.fresh_until = response.provenance.fresh_until
        self.version = version


class Responses:
    """Answers by what was asked; the least recently used go first when `max_bytes` is reached."""

    def __init__(self, max_bytes: int, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: LRUCache[Hashable, _Kept] = LRUCache(max_bytes, getsizeof=lambda kept: kept.response.size)

    def find(self, key: Hashable) -> Response | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._stands(kept):
            return kept.response
        del self._kept[key]
        return None

    def keep(self, key: Hashable, response: Response) -> None:
        """An answer larger than the whole cache is not kept."""
        self._kept.pop(key, None)
        if response.size <= self._kept.maxsize and response.provenance.stands(self._store):
            self._kept[key] = _Kept(response, self._store.version)

    def life(self, response: Response) -> float:
        """Seconds for which it is fresh."""
        return max(0.0, response.provenance.fresh_until - self._clock.now())

    def _stands(self, kept: _Kept) -> bool:
        """As long as nothing was put into the store or taken from it, only time can end an answer."""
        if self._clock.now() >= kept.fresh_until:
            return False
        if kept.version != self._store.version:
            if not kept.response.provenance.stands(self._store):
                return False
            kept.version = self._store.version
        return True

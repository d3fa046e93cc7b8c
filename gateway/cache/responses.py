"""Whole answers, kept as bytes for as long as everything they were made of stands.

An answer knows its entries. It is good only while each of them is in the store, fresh, and says the same, so it dies
with the earliest expiry, and when any of them is replaced by other news, evicted or forgotten: nobody has to tell it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from cachetools import LRUCache

from gateway.cache.store import Entry, Store
from gateway.clock import Clock


@dataclass(frozen=True, slots=True)
class Provenance:
    """The entries an answer was made of, by their keys in the store."""

    entries: tuple[tuple[Hashable, Entry], ...]

    @property
    def fresh_until(self) -> float:
        """Unix seconds; an answer that needed nothing of the upstream stays fresh."""
        return min((entry.span.fresh_until for _, entry in self.entries), default=float("inf"))

    def stands(self, store: Store) -> bool:
        return all(_says_the_same(entry, store.get(key)) for key, entry in self.entries)


@dataclass(frozen=True)
class Response:
    """A finished answer.

    `data` is its data as JSON; `worth` is what it would cost, in billed requests, to buy anew. Its tag is weak, as the
    bill beside the data differs each time.
    """

    data: bytes
    worth: int
    provenance: Provenance

    @cached_property
    def etag(self) -> str:
        return f'W/"{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"'

    @property
    def size(self) -> int:
        return len(self.data) + 200 * (len(self.provenance.entries) + 2)


class Responses:
    """Answers by what was asked; the least recently used go first when `max_bytes` is reached."""

    def __init__(self, max_bytes: int, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: LRUCache[Hashable, Response] = LRUCache(max_bytes, getsizeof=lambda response: response.size)

    def find(self, key: Hashable) -> Response | None:
        response = self._kept.get(key)
        if response is None or response.provenance.stands(self._store):
            return response
        del self._kept[key]
        return None

    def keep(self, key: Hashable, response: Response) -> None:
        """An answer larger than the whole cache is not kept."""
        self._kept.pop(key, None)
        if response.size <= self._kept.maxsize and response.provenance.stands(self._store):
            self._kept[key] = response

    def life(self, response: Response) -> float:
        """Seconds for which it is fresh."""
        return max(0.0, response.provenance.fresh_until - self._clock.now())


def _says_the_same(entry: Entry, now: Entry | None) -> bool:
    return now is entry or (now is not None and now.body == entry.body and now.problem is entry.problem)

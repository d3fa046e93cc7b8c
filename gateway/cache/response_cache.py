"""A cache of whole GraphQL responses, kept as bytes while every entry they were built from is unchanged.

A response is found by its operation, and by each request that was answered from it and may be answered again: its
replays are removed together with it.

A response records the entries it depends on. It is valid only while each of them is in the store, fresh and unchanged,
so it expires with the earliest of them, and when any of them is evicted, invalidated or replaced by different content:
no explicit invalidation is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeVar

from cachetools import Cache, LRUCache

from gateway.cache.statistics import ResponseStatistics
from gateway.cache.store import Entry, EntryStore
from gateway.clock import Clock

# Metadata key of a schema field: its value is the same for every client, so that it may be cached for all clients. A
# response's cache key holds no client.
SHARED = "shared"
# Bytes of a response besides its data, and of each entry that it depends on: measured.
OVERHEAD = 900
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


@dataclass(eq=False)
class Response:
    """A cached response.

    `data` is its data as JSON; `worth` is what buying it again would cost, in billed requests. Its ETag is weak,
    because the bill beside the data differs each time. `key` is its cache key, `requests` those of its replays, and
    `version` the store's version at which it was last found valid.
    """

    data: bytes
    worth: int
    provenance: Dependencies
    key: Hashable = None
    version: int = 0
    requests: dict[Hashable, None] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        return f'W/"{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"'

    @property
    def size(self) -> int:
        """The size in bytes, with its cache key."""
        return OVERHEAD + len(self.data) + EACH_NEWS * len(self.provenance.news)


class Replay(Protocol):
    """The answer to one exact request, from `response`. `size` is in bytes, with the request."""

    response: Response
    size: int


R = TypeVar("R", bound=Replay)


class _CascadingLRUCache(LRUCache[Hashable, Any]):
    """Responses and their replays by their keys. A response is removed together with its replays."""

    responses = 0
    """The number of responses, without their replays."""

    def add(self, key: Hashable, response: Response) -> None:
        """Store a response under a key that has none."""
        self[key] = response
        self.responses += 1

    def peek(self, key: Hashable) -> Any:
        """Return the response or replay of `key`, or None, without counting as a use."""
        return Cache.__getitem__(self, key) if key in self else None

    def __delitem__(self, key: Hashable) -> None:
        removed = self[key]
        super().__delitem__(key)
        if isinstance(removed, Response):
            self.responses -= 1
            for request in removed.requests:
                super().__delitem__(request)
        else:
            del removed.response.requests[key]


class Responses(Generic[R]):
    """Responses by operation and by request; the least recently used are evicted first when `max_bytes` is reached."""

    def __init__(self, max_bytes: int, *, store: EntryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # Counted where the requests are served, for `statistics`.
        self.replays = self.hits = self.misses = 0
        self._entries = _CascadingLRUCache(max_bytes, getsizeof=lambda entry: entry.size)

    @property
    def size(self) -> int:
        return int(self._entries.currsize)

    def statistics(self) -> ResponseStatistics:
        return ResponseStatistics(self._entries.responses, self.size, self.replays, self.hits, self.misses)

    def find(self, key: Hashable) -> Response | None:
        """Return the response of `key` if it is still valid; drop it otherwise."""
        response: Response | None = self._entries.get(key)
        if response is None or self._is_valid(response):
            return response
        del self._entries[key]
        return None

    def find_replay(self, request: Hashable) -> R | None:
        """Return the replay for `request` if its response is still valid."""
        replay: R | None = self._entries.get(request)
        return None if replay is None or self.find(replay.response.key) is None else replay

    def keep(self, key: Hashable, response: Response) -> None:
        """Store a response. One that is larger than the whole cache, or not valid any more, is not stored."""
        self._entries.pop(key, None)
        if response.size <= self._entries.maxsize and response.provenance.stands(self._store):
            response.key, response.version = key, self._store.version
            self._entries.add(key, response)

    def keep_replay(self, request: Hashable, replay: R) -> None:
        """Store a replay, if its response is still in the cache and there is room for both."""
        self._entries.pop(request, None)
        response = replay.response
        if response.size + replay.size <= self._entries.maxsize and self.find(response.key) is response:
            self._entries[request] = replay  # the response was just used, so that it is not evicted for it
            response.requests[request] = None

    async def remove_invalid(self, pause: Callable[[int], Awaitable[None]]) -> tuple[int, int]:
        """Remove the responses that are not valid any more, at once instead of when they are next looked for.

        `pause` waits until so many units of work may be done. Return the number of responses, and of the bytes with
        their replays.
        """
        removed, before = 0, self.size
        for key in list(self._entries):
            response = self._entries.peek(key)
            if isinstance(response, Response):
                await pause(1 + len(response.provenance.news) // 10)
                removed += self._entries.peek(key) is response and self.find(key) is None
        return removed, max(0, before - self.size)

    def life(self, response: Response) -> float:
        """Return the seconds for which the response is still fresh."""
        return max(0.0, response.provenance.fresh_until - self._clock.now())

    def _is_valid(self, response: Response) -> bool:
        """Return whether a response is valid. While the store's version is unchanged only time can invalidate it."""
        if self._clock.now() >= response.provenance.fresh_until:
            return False
        if response.version != self._store.version:
            if not response.provenance.stands(self._store):
                return False
            response.version = self._store.version
        return True

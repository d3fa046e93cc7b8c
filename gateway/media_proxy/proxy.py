"""Delivery of media by their tokens: small ones from a cache, others as a stream.

The memory that clients can use is bounded: `STREAMS` responses at once, each a small medium or a piece of a large one,
and at most `COLLECTING` downloads of small ones. One peer has at most `STREAMS_EACH` of the responses.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

from cachetools import LRUCache, TTLCache

from gateway.clock import Clock
from gateway.errors import TooManyStreams, UpstreamInvalidAnswer, UpstreamTimeout
from gateway.media_proxy.ranges import ByteRange, is_valid_content_range
from gateway.media_proxy.signed_urls import MediaClaims
from gateway.single_flight import SingleFlight
from gateway.upstream.egress.cdn_client import MediaResponse, OutOfRange, UrlExpired

T = TypeVar("T")

Renew: TypeAlias = Callable[[str, str], Awaitable[str | None]]
"""A function of a reference and an expired URL. It returns the medium's URL in a fresh response, or None."""

STREAMS = 64
STREAMS_EACH = STREAMS // 4  # for one peer, so that no peer can use all slots
COLLECTING = 16
SMALL = 2**20  # bytes: a photo of a story has up to half of it
PATIENCE = 2.0  # seconds
COLLECTED = 30.0  # seconds for the download of a small medium
LONGEST = 300.0  # seconds that a response may hold a slot
TTL = 3_600.0  # seconds, so that a medium that was deleted at its source soon disappears here, too
RENEWED = 3_600.0  # seconds that a refreshed URL is used in place of an expired one
GONE = 60.0  # seconds that an expired URL without a replacement is not requested
# The share of the bytes (one part in so many) for each table: large media, expired URLs, refreshed URLs.
TABLES_SHARE = 16
# Query parameters that identify the picture; the others are its signature, or for statistics.
IDENTIFYING = frozenset({"stp", "bytestart", "byteend"})
PIECE = 65_536  # bytes
OVERHEAD = 700  # bytes that a cached medium takes besides its body, and a row of a table


class Servers(Protocol):
    """The interface of `gateway.upstream.egress.cdn_client.MediaServers`."""

    async def open(self, url: str, *, method: str = "GET", part: str | None = None) -> MediaResponse:
        """Request a medium. Raises UrlExpired, OutOfRange and UpstreamError."""


@dataclass(frozen=True, slots=True)
class CachedMedia:
    """A small medium in the cache."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Medium:
    """A response. `length` is the size of its chunks, in bytes; `part` is a Content-Range, if it is not the whole."""

    content_type: str
    length: int | None
    part: str | None
    chunks: AsyncGenerator[bytes, None]


class MediaProxy:
    """The media proxy. `max_bytes` is for its cache and tables, `patience` the seconds to wait for a slot."""

    def __init__(
        self, servers: Servers, renew: Renew, *, clock: Clock, max_bytes: int, patience: float = PATIENCE
    ) -> None:
        self._patience = patience
        self._servers = servers
        self._renew = renew
        table, now = max_bytes // TABLES_SHARE, clock.monotonic
        self._cache: TTLCache[str, CachedMedia] = TTLCache(max_bytes - 3 * table, ttl=TTL, timer=now, getsizeof=_size)
        self._large: LRUCache[str, bool] = LRUCache(table, getsizeof=lambda _: OVERHEAD)
        self._expired: TTLCache[bytes, bool] = TTLCache(table, ttl=GONE, timer=now, getsizeof=lambda _: OVERHEAD)
        self._refreshed: TTLCache[bytes, str] = TTLCache(table, ttl=RENEWED, timer=now, getsizeof=_size_of_row)
        self._flights: SingleFlight[str, CachedMedia | None] = SingleFlight()
        self._slots = asyncio.Semaphore(STREAMS)
        self._slots_by_peer: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._collecting = asyncio.Semaphore(COLLECTING)

    @property
    def size(self) -> int:
        """The bytes of all caches and tables."""
        return int(sum(each.currsize for each in (self._cache, self._large, self._expired, self._refreshed)))

    @contextlib.asynccontextmanager
    async def opened(
        self, claim: MediaClaims, *, peer: str, method: str = "GET", part: ByteRange | None = None
    ) -> AsyncIterator[Medium]:
        """Open a medium, which is to be read within the block and within LONGEST seconds. `peer` is the reader.

        Raises UrlExpired, OutOfRange, UpstreamError and TooManyStreams.
        """
        async with self._slot(peer), asyncio.timeout(LONGEST):
            cached = await self._cached(claim)
            if cached is not None:
                yield _from_cache(cached, part)
                return
            response = await self._use(claim, lambda url: self._servers.open(url, method=method, part=_header(part)))
            try:
                yield _stream(response, part)
            finally:
                await response.aclose()

    def forget(self, url: str) -> None:
        """Forget the medium of a URL."""
        picture = identity(url)
        for cache in (self._cache, self._large):
            cache.pop(picture, None)
        self._refreshed.pop(hashlib.sha256(url.encode()).digest(), None)

    def clear(self) -> None:
        """Forget all media."""
        for cache in (self._cache, self._large, self._expired, self._refreshed):
            cache.clear()

    async def drain(self) -> None:
        """Cancel all downloads in flight: none is worth waiting for."""
        await self._flights.drain(0)

    @contextlib.asynccontextmanager
    async def _slot(self, peer: str) -> AsyncIterator[None]:
        each = self._slots_by_peer.setdefault(peer, asyncio.Semaphore(STREAMS_EACH))
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience):
                    for slots in (each, self._slots):
                        await held.enter_async_context(slots)
            except TimeoutError as exc:
                most = STREAMS_EACH if each.locked() else STREAMS
                raise TooManyStreams("Too many files are being sent: retry after a moment.", most=most) from exc
            yield

    async def _cached(self, claim: MediaClaims) -> CachedMedia | None:
        """Return the medium if it is small, otherwise None. Concurrent callers share one download."""
        key = identity(claim.url)
        if (cached := self._cache.get(key)) is not None or key in self._large:
            return cached
        return await self._flights.result(key, lambda: self._collect(key, claim))

    async def _collect(self, key: str, claim: MediaClaims) -> CachedMedia | None:
        async with self._collecting:
            try:
                async with asyncio.timeout(COLLECTED):
                    cached = await self._use(claim, self._small)
            except TimeoutError as exc:
                raise UpstreamTimeout("The media server timed out.") from exc
        if cached is None:
            self._large[key] = True
        elif _size(cached) <= self._cache.maxsize:
            self._cache[key] = cached
        return cached

    async def _small(self, url: str) -> CachedMedia | None:
        response = await self._servers.open(url)
        try:
            if response.length is not None and response.length > SMALL:
                return None
            body = bytearray()
            async for chunk in response.chunks():
                body += chunk
                if len(body) > SMALL:
                    return None
            return CachedMedia(response.content_type, bytes(body))
        finally:
            await response.aclose()

    async def _use(self, claim: MediaClaims, use: Callable[[str], Awaitable[T]]) -> T:
        """Return the result of `use` for the URL, or for its refreshed URL. Raises UrlExpired."""
        key = hashlib.sha256(claim.url.encode()).digest()
        if key in self._expired:
            raise UrlExpired
        try:
            return await self._use_any(key, claim, use)
        except UrlExpired:
            self._refreshed.pop(key, None)
            self._expired[key] = True
            raise

    async def _use_any(self, key: bytes, claim: MediaClaims, use: Callable[[str], Awaitable[T]]) -> T:
        known = self._refreshed.get(key)
        try:
            return await use(known or claim.url)
        except UrlExpired:
            newer = None if known else await self._renew(claim.reference, claim.url)
            if newer is None:
                raise
        answer = await use(newer)
        self._refreshed[key] = newer
        return answer


def identity(url: str) -> str:
    """Return a hash that is the same for all signed URLs of one picture and differs between pictures."""
    parts = urlsplit(url)
    identifying = sorted((name, value) for name, value in parse_qsl(parts.query) if name in IDENTIFYING)
    return hashlib.sha256(repr((parts.path, identifying)).encode()).hexdigest()[:32]


def _size(cached: CachedMedia) -> int:
    return OVERHEAD + len(cached.body)


def _size_of_row(url: str) -> int:
    return OVERHEAD + len(url)


def _header(part: ByteRange | None) -> str | None:
    return None if part is None else str(part)


def _from_cache(cached: CachedMedia, part: ByteRange | None) -> Medium:
    whole = len(cached.body)
    if part is None:
        return Medium(cached.content_type, whole, None, _pieces(cached.body))
    ends = part.within(whole)
    if ends is None:
        raise OutOfRange(whole)
    first, last = ends
    return Medium(
        cached.content_type,
        last - first + 1,
        _content_range(first, last, whole),
        _pieces(cached.body[first : last + 1]),
    )


async def _pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    """Yield the body in pieces, so that a slow reader does not hold a second copy of it."""
    view = memoryview(body)
    for at in range(0, len(body), PIECE):
        yield bytes(view[at : at + PIECE])


def _stream(response: MediaResponse, part: ByteRange | None) -> Medium:
    if response.content_range is not None:
        if part is None or not is_valid_content_range(response.content_range, response.length):
            raise UpstreamInvalidAnswer("The media server sent a range that was not requested.")
        return Medium(response.content_type, response.length, response.content_range, response.chunks())
    if part is None or response.length is None:
        return Medium(response.content_type, response.length, None, response.chunks())
    ends = part.within(response.length)
    if ends is None:
        raise OutOfRange(response.length)
    first, last = ends
    chunks = _between(response.chunks(), first, last)
    return Medium(response.content_type, last - first + 1, _content_range(first, last, response.length), chunks)


async def _between(chunks: AsyncGenerator[bytes, None], first: int, last: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes from `first` to `last`, for servers that answer a range request with the whole medium."""
    at = 0
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            piece = chunk[max(0, first - at) : max(0, last + 1 - at)]
            at += len(chunk)
            if piece:
                yield piece
            if at > last:
                return


def _content_range(first: int, last: int, whole: int) -> str:
    return f"bytes {first}-{last}/{whole}"

"""Media by their tokens: from memory where they are small and were asked for before, else as a stream.

What a client can make this hold is bounded: `STREAMS` answers at once, each a small medium or a piece of a large one,
and no more than `COLLECTING` small ones on their way into memory. One peer has `STREAMS_EACH` of the answers.
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

from gateway.cache.single_flight import SingleFlight
from gateway.clock import Clock
from gateway.errors import TooManyStreams, UpstreamInvalidAnswer, UpstreamTimeout
from gateway.media_proxy.ranges import Range, is_valid_content_range
from gateway.media_proxy.signed_urls import Claim
from gateway.upstream.egress.cdn_client import MediaResponse, OutOfRange, UrlExpired

T = TypeVar("T")

Renew: TypeAlias = Callable[[str, str], Awaitable[str | None]]
"""Given the reference and the dead URL: the same medium's URL in a fresh answer; None if there is none to be had."""

STREAMS = 64
STREAMS_EACH = STREAMS // 4  # for one peer, so that nobody has the places of all others
COLLECTING = 16
SMALL = 2**20  # bytes: a photo of a story has up to half of it
PATIENCE = 2.0  # seconds
COLLECTED = 30.0  # seconds for a small medium to come in
LONGEST = 300.0  # seconds that an answer may take a place
KEPT = 3_600.0  # seconds: what is taken down at its source is soon gone here, too
RENEWED = 3_600.0  # seconds that another URL is asked for in the place of a dead one
GONE = 60.0  # seconds that a dead URL is not asked for again where there is no other
# Of the bytes one part in so many is for each of: which media are large, which URLs are gone, which have another.
TABLES_SHARE = 16
# Parameters that say which picture it is; the others are its signature, or for statistics.
TELLING = frozenset({"stp", "bytestart", "byteend"})
PIECE = 65_536  # bytes
OVERHEAD = 700  # bytes that a kept medium takes besides its body, and a row of a table


class Servers(Protocol):
    """`gateway.upstream.egress.cdn_client.MediaServers`."""

    async def open(self, url: str, *, method: str = "GET", part: str | None = None) -> MediaResponse:
        """Raises UrlDead, OutOfRange and UpstreamError."""


@dataclass(frozen=True, slots=True)
class CachedMedia:
    """A small medium."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Medium:
    """What is answered. `length` is of these chunks, in bytes; `part` is a Content-Range, if it is not the whole."""

    content_type: str
    length: int | None
    part: str | None
    chunks: AsyncGenerator[bytes, None]


class Proxy:
    """`max_bytes` is for all that is kept, `patience` how many seconds an answer may wait for its place."""

    def __init__(
        self, servers: Servers, renew: Renew, *, clock: Clock, max_bytes: int, patience: float = PATIENCE
    ) -> None:
        self._patience = patience
        self._servers = servers
        self._renew = renew
        table, now = max_bytes // TABLES_SHARE, clock.monotonic
        self._kept: TTLCache[str, CachedMedia] = TTLCache(max_bytes - 3 * table, ttl=KEPT, timer=now, getsizeof=_size)
        self._large: LRUCache[str, bool] = LRUCache(table, getsizeof=lambda _: OVERHEAD)
        self._gone: TTLCache[bytes, bool] = TTLCache(table, ttl=GONE, timer=now, getsizeof=lambda _: OVERHEAD)
        self._renewed: TTLCache[bytes, str] = TTLCache(table, ttl=RENEWED, timer=now, getsizeof=_size_of_row)
        self._flights: SingleFlight[str, CachedMedia | None] = SingleFlight()
        self._places = asyncio.Semaphore(STREAMS)
        self._places_each: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._collecting = asyncio.Semaphore(COLLECTING)

    @contextlib.asynccontextmanager
    async def opened(
        self, claim: Claim, *, peer: str, method: str = "GET", part: Range | None = None
    ) -> AsyncIterator[Medium]:
        """The medium, to be read within the block, and within LONGEST seconds. `peer` is who reads it.

        Raises UrlDead, OutOfRange, UpstreamError and TooManyStreams.
        """
        async with self._place(peer), asyncio.timeout(LONGEST):
            kept = await self._collected(claim)
            if kept is not None:
                yield _cut(kept, part)
                return
            found = await self._live(claim, lambda url: self._servers.open(url, method=method, part=_header(part)))
            try:
                yield _streamed(found, part)
            finally:
                await found.aclose()

    async def drain(self) -> None:
        """Nothing that is on its way is worth waiting for."""
        await self._flights.drain(0)

    @contextlib.asynccontextmanager
    async def _place(self, peer: str) -> AsyncIterator[None]:
        each = self._places_each.setdefault(peer, asyncio.Semaphore(STREAMS_EACH))
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience):
                    for places in (each, self._places):
                        await held.enter_async_context(places)
            except TimeoutError as exc:
                most = STREAMS_EACH if each.locked() else STREAMS
                raise TooManyStreams("Too many media are being sent: try again in a moment.", most=most) from exc
            yield

    async def _collected(self, claim: Claim) -> CachedMedia | None:
        """The medium if it is small; whoever wants it at the same time shares one fetch."""
        key = identity(claim.url)
        if (kept := self._kept.get(key)) is not None or key in self._large:
            return kept
        if key not in self._flights:
            self._flights.start(key, self._collect(key, claim))
        return await self._flights.join(key)

    async def _collect(self, key: str, claim: Claim) -> CachedMedia | None:
        async with self._collecting:
            try:
                async with asyncio.timeout(COLLECTED):
                    kept = await self._live(claim, self._small)
            except TimeoutError as exc:
                raise UpstreamTimeout("The picture server is too slow.") from exc
        if kept is None:
            self._large[key] = True
        elif _size(kept) <= self._kept.maxsize:
            self._kept[key] = kept
        return kept

    async def _small(self, url: str) -> CachedMedia | None:
        found = await self._servers.open(url)
        try:
            if found.length is not None and found.length > SMALL:
                return None
            body = bytearray()
            async for chunk in found.chunks():
                body += chunk
                if len(body) > SMALL:
                    return None
            return CachedMedia(found.content_type, bytes(body))
        finally:
            await found.aclose()

    async def _live(self, claim: Claim, use: Callable[[str], Awaitable[T]]) -> T:
        """What `use` makes of the URL, or of the one that a fresh answer has in its place. Raises UrlDead."""
        key = hashlib.sha256(claim.url.encode()).digest()
        if key in self._gone:
            raise UrlExpired
        try:
            return await self._either(key, claim, use)
        except UrlExpired:
            self._renewed.pop(key, None)
            self._gone[key] = True
            raise

    async def _either(self, key: bytes, claim: Claim, use: Callable[[str], Awaitable[T]]) -> T:
        known = self._renewed.get(key)
        try:
            return await use(known or claim.url)
        except UrlExpired:
            newer = None if known else await self._renew(claim.reference, claim.url)
            if newer is None:
                raise
        answer = await use(newer)
        self._renewed[key] = newer
        return answer


def identity(url: str) -> str:
    """The same for all URLs of one picture, however often they are signed, and no other; nothing can be read in it."""
    parts = urlsplit(url)
    telling = sorted((name, value) for name, value in parse_qsl(parts.query) if name in TELLING)
    return hashlib.sha256(repr((parts.path, telling)).encode()).hexdigest()[:32]


def _size(kept: CachedMedia) -> int:
    return OVERHEAD + len(kept.body)


def _size_of_row(url: str) -> int:
    return OVERHEAD + len(url)


def _header(part: Range | None) -> str | None:
    return None if part is None else str(part)


def _cut(kept: CachedMedia, part: Range | None) -> Medium:
    whole = len(kept.body)
    if part is None:
        return Medium(kept.content_type, whole, None, _pieces(kept.body))
    ends = part.within(whole)
    if ends is None:
        raise OutOfRange(whole)
    first, last = ends
    return Medium(
        kept.content_type, last - first + 1, _content_range(first, last, whole), _pieces(kept.body[first : last + 1])
    )


async def _pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    """So that a slow reader holds no second copy of it."""
    view = memoryview(body)
    for at in range(0, len(body), PIECE):
        yield bytes(view[at : at + PIECE])


def _streamed(found: MediaResponse, part: Range | None) -> Medium:
    if found.content_range is not None:
        if part is None or not is_valid_content_range(found.content_range, found.length):
            raise UpstreamInvalidAnswer("The picture server sends a part that nobody asked for.")
        return Medium(found.content_type, found.length, found.content_range, found.chunks())
    if part is None or found.length is None:
        return Medium(found.content_type, found.length, None, found.chunks())
    ends = part.within(found.length)
    if ends is None:
        raise OutOfRange(found.length)
    first, last = ends
    chunks = _between(found.chunks(), first, last)
    return Medium(found.content_type, last - first + 1, _content_range(first, last, found.length), chunks)


async def _between(chunks: AsyncGenerator[bytes, None], first: int, last: int) -> AsyncGenerator[bytes, None]:
    """For servers that send the whole when they are asked for a part."""
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

"""Bounded reading of response bodies: received and decompressed piece by piece.

A body that is too large is detected before it is in memory, by its Content-Length, its bytes as sent or decompressed.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Sequence

import httpx

from gateway.scheduling import turn

# Bytes that a body may have, as it is sent and after each of its codings is decoded: some eight times the largest
# highlight, of 100 items.
LARGEST = 8 * 2**20
# At most MOST_LARGE bodies of one upstream may exceed MODEST bytes at once. Together with smaller bodies for all other
# requests in flight that is some 64 MiB.
MODEST = 512 * 1024  # bytes
MOST_LARGE = 4
# Other tasks run after so many decompressed bytes, and before a body larger than that is decoded.
TURN = 100_000  # bytes
# The codings that can be decoded piece by piece: no others are accepted.
ACCEPTED = "gzip, deflate"
# Codings on top of one another. Each costs as much as the body again.
MOST_CODINGS = 3
PACKED = 16 * 1024  # compressed bytes per step: the rest of them is copied with each piece that they yield
PIECE = 64 * 1024  # decompressed bytes per step

MAGIC = b"\x1f\x8b"  # the first bytes of gzip, and of no JSON
JSON = (b"{", b"[")  # the first byte of the JSON of all upstreams, and of no compressed data
UNDONE = frozenset({"gzip", "deflate"})
GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class TooLarge(Exception):
    """The response exceeds the size limit. The rest of it is not read."""


class LargeBodySlot:
    """A request's slot among the large bodies of an upstream, acquired only if its body turns out to be large."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._is_taken = False

    async def take(self) -> None:
        """Wait for a slot and hold it until `leave`. Further calls return at once."""
        if not self._is_taken:
            await self._places.acquire()
            self._is_taken = True

    def leave(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._places.release()


async def received(response: httpx.Response, place: LargeBodySlot) -> bytes:
    """Return the whole body, decompressed. Receiving a large one pauses until there is a slot for it.

    Raises TooLarge, httpx.DecodingError for a coding that was not accepted, zlib.error, and the transport's errors. The
    caller closes the response in any case.
    """
    if _content_length(response) > LARGEST:
        raise TooLarge
    decoders = _decoders(response)
    sent, body = _SizeLimit(), _BodyBuffer(place)
    assert isinstance(response.stream, httpx.AsyncByteStream), "an asynchronous transport has an asynchronous stream"
    # The stream itself: `Response.aiter_bytes` decompresses each piece as a whole, however large the result is.
    async for piece in response.stream:
        sent.add(piece)
        pieces: Iterable[bytes] = (piece,)
        for decoder in decoders:
            pieces = decoder.decode(pieces)
        for unpacked in pieces:
            await body.add(unpacked)
    return await body.decompressed() if body.bytes.startswith(MAGIC) else bytes(body.bytes)


class _BodyBuffer:
    """A body while it is received."""

    def __init__(self, place: LargeBodySlot) -> None:
        self.bytes = bytearray()
        self._place = place
        self._turn_at = TURN

    async def add(self, piece: bytes) -> None:
        self.bytes += piece
        if len(self.bytes) > MODEST:
            await self._place.take()
        if len(self.bytes) > self._turn_at:
            self._turn_at = len(self.bytes) + TURN
            await turn()

    async def decompressed(self) -> bytes:
        """Return a body that has one layer of gzip more than its header says. Raises TooLarge and zlib.error."""
        body = _BodyBuffer(self._place)
        for piece in _Decoder("gzip").decode((bytes(self.bytes),)):
            await body.add(piece)
        return bytes(body.bytes)


class _SizeLimit:
    """A count of the bytes at one decoder, checked against the limit."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, piece: bytes) -> None:
        """Count `piece`. Raises TooLarge."""
        self._bytes += len(piece)
        if self._bytes > LARGEST:
            raise TooLarge


class _Decoder:
    """A decoder of one coding. Each has its own limit: the next decoder may discard all output of this one."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._decompressor: zlib._Decompress | None = None
        self._is_plain = False
        self._head = b""
        self._limit = _SizeLimit()

    def decode(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the next pieces decoded, none longer than PIECE. Bytes after the end are ignored."""
        for piece in pieces:
            for at in range(0, len(piece), PACKED):
                yield from self._decoded(piece[at : at + PACKED])

    def _decoded(self, packed: bytes) -> Iterator[bytes]:
        """Yield `packed` decoded. Raises httpx.DecodingError."""
        decompressor = self._decompressor
        if decompressor is None and not self._is_plain:
            self._head += packed
            if len(self._head) < len(MAGIC):
                return
            packed = self._head
            decompressor = self._decompressor = self._new_decompressor(packed)
        if decompressor is None:
            self._limit.add(packed)
            yield packed
            return
        while not decompressor.eof:
            piece = decompressor.decompress(packed, PIECE)
            packed = decompressor.unconsumed_tail
            self._limit.add(piece)
            if piece:
                yield piece
            # After a full piece, zlib may hold more output although no input is left.
            if not packed and len(piece) < PIECE:
                return

    def _new_decompressor(self, head: bytes) -> zlib._Decompress | None:
        """Return a decompressor, or None for a plain body despite its header. Raises httpx.DecodingError."""
        if head.startswith(MAGIC):
            return zlib.decompressobj(GZIP)
        if self._coding == "gzip" or head.startswith(JSON):
            self._is_plain = True
            return None
        if self._coding not in UNDONE:
            raise httpx.DecodingError("The response has a content encoding that was not requested.")
        return zlib.decompressobj(ZLIB if _is_zlib(head) else RAW)


def _is_zlib(head: bytes) -> bool:
    """Return whether a zlib header (RFC 1950) is there: some servers send `deflate` without it."""
    return head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:2]) % 31 == 0


def _decoders(response: httpx.Response) -> Sequence[_Decoder]:
    """Return the decoders in their order: the last coding first. Raises httpx.DecodingError for too many."""
    named = response.headers.get("content-encoding")
    if named is None:
        return ()
    codings = [coding.strip().lower().removeprefix("x-") for coding in named.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MOST_CODINGS:
        raise httpx.DecodingError("The response has too many content encodings.")
    return [_Decoder(coding) for coding in reversed(codings)]


def _content_length(response: httpx.Response) -> int:
    """Return the Content-Length in bytes, or 0 without a valid one."""
    length = response.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return 0
    return int(length) if len(length) <= len(str(LARGEST)) else LARGEST + 1

"""The body of an answer: received piece by piece, and unpacked so, within bounds.

A body that is too large is found out before it is in memory, whether it is sent, announced or only unpacked so.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Sequence

import httpx

from gateway.scheduling import turn

# Bytes that a body may have, as it is sent and after each of its codings is undone: some eight times the largest
# highlight, of 100 items.
LARGEST = 8 * 2**20
# Of one upstream so many may be larger than that at once: together with as many modest ones as there are requests on
# their way, some 64 MiB.
MODEST = 512 * 1024  # bytes
MOST_LARGE = 4
# Others have their turn when so much was unpacked, and before a body of more than that is read.
TURN = 100_000  # bytes
# Those that can be undone piece by piece: nothing else is asked for.
ACCEPTED = "gzip, deflate"
# One on top of another. Each costs as much as the body again.
MOST_CODINGS = 3
PACKED = 16 * 1024  # bytes that are unpacked at once: what is left of them is copied with each piece that they make
PIECE = 64 * 1024  # bytes that come of it at once

MAGIC = b"\x1f\x8b"  # how gzip begins, and no JSON
JSON = (b"{", b"[")  # how it begins that is answered, and nothing that is packed
UNDONE = frozenset({"gzip", "deflate"})
GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class TooLarge(Exception):
    """The answer is larger than any that is read. It is left unread from there on."""


class Place:
    """Among the large bodies of an upstream, for one that may turn out to be large."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._is_taken = False

    async def take(self) -> None:
        """Returns when there is one, which is this one's until it leaves."""
        if not self._is_taken:
            await self._places.acquire()
            self._is_taken = True

    def leave(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._places.release()


async def received(response: httpx.Response, place: Place) -> bytes:
    """The whole body, unpacked. A large one waits for its place, and is not received meanwhile.

    Raises TooLarge, httpx.DecodingError for a coding that was not asked for, zlib.error, and what the transport raises.
    The caller closes the response, whatever happens.
    """
    if _announced(response) > LARGEST:
        raise TooLarge
    stages = _stages(response)
    sent, body = _Tally(), _Growing(place)
    assert isinstance(response.stream, httpx.AsyncByteStream), "an asynchronous transport has an asynchronous stream"
    # The stream itself: `Response.aiter_bytes` unpacks each piece as a whole, and however much comes of it.
    async for piece in response.stream:
        sent.add(piece)
        pieces: Iterable[bytes] = (piece,)
        for stage in stages:
            pieces = stage.unpacked(pieces)
        for unpacked in pieces:
            await body.add(unpacked)
    return await body.as_packed() if body.bytes.startswith(MAGIC) else bytes(body.bytes)


class _Growing:
    """A body while it comes."""

    def __init__(self, place: Place) -> None:
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

    async def as_packed(self) -> bytes:
        """A body that is packed once more than its header says. Raises TooLarge and zlib.error."""
        body = _Growing(self._place)
        for piece in _Stage("gzip").unpacked((bytes(self.bytes),)):
            await body.add(piece)
        return bytes(body.bytes)


class _Tally:
    """Of the bytes at one stage."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, piece: bytes) -> None:
        """Raises TooLarge."""
        self._bytes += len(piece)
        if self._bytes > LARGEST:
            raise TooLarge


class _Stage:
    """Undoes one coding. Each has a bound of its own: what one makes, the next may swallow without a trace."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflating: zlib._Decompress | None = None
        self._is_plain = False
        self._head = b""
        self._tally = _Tally()

    def unpacked(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """What comes of the next pieces, none of it longer than PIECE. What follows the end is passed over."""
        for piece in pieces:
            for at in range(0, len(piece), PACKED):
                yield from self._inflated(piece[at : at + PACKED])

    def _inflated(self, packed: bytes) -> Iterator[bytes]:
        """Raises httpx.DecodingError."""
        inflating = self._inflating
        if inflating is None and not self._is_plain:
            self._head += packed
            if len(self._head) < len(MAGIC):
                return
            packed = self._head
            inflating = self._inflating = self._inflate(packed)
        if inflating is None:
            self._tally.add(packed)
            yield packed
            return
        while not inflating.eof:
            piece = inflating.decompress(packed, PIECE)
            packed = inflating.unconsumed_tail
            self._tally.add(piece)
            if piece:
                yield piece
            # A full piece may have left some of what was taken in without a tail.
            if not packed and len(piece) < PIECE:
                return

    def _inflate(self, head: bytes) -> zlib._Decompress | None:
        """None for what only its header says to be packed. Raises httpx.DecodingError."""
        if head.startswith(MAGIC):
            return zlib.decompressobj(GZIP)
        if self._coding == "gzip" or head.startswith(JSON):
            self._is_plain = True
            return None
        if self._coding not in UNDONE:
            raise httpx.DecodingError("The answer has a coding that was not asked for.")
        return zlib.decompressobj(ZLIB if _is_zlib(head) else RAW)


def _is_zlib(head: bytes) -> bool:
    """By RFC 1950: some servers send `deflate` without its header."""
    return head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:2]) % 31 == 0


def _stages(response: httpx.Response) -> Sequence[_Stage]:
    """In the order in which the codings are undone: the last one first. Raises httpx.DecodingError for too many."""
    named = response.headers.get("content-encoding")
    if named is None:
        return ()
    codings = [coding.strip().lower().removeprefix("x-") for coding in named.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MOST_CODINGS:
        raise httpx.DecodingError("The answer has more codings than are undone.")
    return [_Stage(coding) for coding in reversed(codings)]


def _announced(response: httpx.Response) -> int:
    length = response.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return 0
    return int(length) if len(length) <= len(str(LARGEST)) else LARGEST + 1

"""Files on their way from a client to the upstream: on disk, under the hash of what the client sent.

A request holds what it takes in until its end. A flow holds what it was ordered to publish, by its id, until it has
ended for good: it takes hold before it is started, so that a crash in between loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import BodyTooLarge, FlowsUnavailable
from gateway.uploads.directory import Part, UploadDirectory

T = TypeVar("T")

TOTAL = 4 * 2**30  # bytes
LARGEST = 100_000_000  # bytes of one file: the most the upstream takes of a video
GRACE = 600.0  # seconds
PIECE = 2**20  # bytes written in one go: each go takes a thread


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An entry: the SHA-256 of its content in hex, and its size in bytes."""

    sha256: str
    size: int


class Spool:
    """One process's way to the directory; several may share it.

    `total` bounds all files together, `largest` each one, in bytes. Every method raises FlowsUnavailable where the disk
    does not let it. A cancelled call has either happened or not when it raises, never half.
    """

    def __init__(self, directory: Path, *, total: int = TOTAL, largest: int = LARGEST) -> None:
        self._shelf = UploadDirectory(directory)
        self._total = total
        self._largest = largest
        self._numbers = itertools.count(1)

    async def start(self) -> None:
        """Makes the directory, and removes what processes that are gone have left."""
        await in_thread(self._shelf.begin)

    async def aclose(self) -> None:
        await in_thread(self._shelf.end)

    @contextlib.asynccontextmanager
    async def intake(self) -> AsyncIterator[UploadSession]:
        """For one request: what it takes in is held until its end."""
        holder = self._shelf.request(next(self._numbers))
        intake = UploadSession(self, holder)
        try:
            yield intake
        finally:
            if intake.is_used:
                await in_thread(self._shelf.release_all, holder)

    def path(self, sha256: str) -> Path:
        """The file to send on; it is there as long as somebody holds the entry."""
        return self._shelf.path(sha256)

    async def hold(self, sha256: str, holder: str) -> None:
        """Keeps the entry until `holder` lets go. Raises FlowsUnavailable if it is gone: nobody held it."""
        await in_thread(self._shelf.hold, sha256, holder)

    async def release(self, sha256: str, holder: str) -> None:
        """Also where the entry is gone, or was never held."""
        await in_thread(self._shelf.release, sha256, holder)

    async def sweep(self, keep: Collection[str], *, grace: float = GRACE) -> int:
        """Releases what is held neither by a living process nor by one of the flows `keep`; how many entries went.

        A flow that took hold less than `grace` seconds ago may have begun after `keep` was made, and keeps it.
        """
        return await in_thread(self._shelf.sweep, keep, grace)

    async def replace(self, sha256: str, data: bytes) -> None:
        """From now on `data` is sent on instead of what the client sent, which is no longer kept."""
        await in_thread(self._shelf.replace, sha256, data)

    async def write(self, chunks: AsyncIterable[bytes], holder: str) -> StoredUpload:
        """An entry made of `chunks`, held by `holder`. Raises BodyTooLarge.

        If it is cancelled, or `chunks` raises, nothing stays.
        """
        part = self._shelf.part(next(self._numbers))
        try:
            size = await self._fill(part, chunks)
            await in_thread(self._shelf.enter, part, holder)
        finally:
            await in_thread(part.discard)
        return StoredUpload(part.sha256, size)

    async def _fill(self, part: Part, chunks: AsyncIterable[bytes]) -> int:
        size, pending = 0, bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > self._largest:
                raise BodyTooLarge(f"A file is larger than {self._largest} bytes.")
            pending += chunk
            if len(pending) >= PIECE:
                await in_thread(self._append, part, bytes(pending))
                pending.clear()
        await in_thread(self._append, part, bytes(pending))
        await in_thread(part.finish)
        return size

    def _append(self, part: Part, data: bytes) -> None:
        if self._shelf.size() + len(data) > self._total:
            raise _unavailable()
        part.append(data)


class UploadSession:
    """Made by `Spool.intake`."""

    def __init__(self, spool: Spool, holder: str) -> None:
        self._spool = spool
        self._holder = holder
        self.is_used = False

    async def take(self, chunks: AsyncIterable[bytes]) -> StoredUpload:
        """Raises BodyTooLarge and FlowsUnavailable."""
        self.is_used = True
        return await self._spool.write(chunks, self._holder)


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Waits for the end of `work` even when cancelled: a thread goes on anyway, and would undo what is cleaned up."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.gather(working, return_exceptions=True)
        raise
    except OSError as exc:
        raise _unavailable() from exc


def _unavailable() -> FlowsUnavailable:
    return FlowsUnavailable("Uploads cannot be taken in at the moment: try again later.")

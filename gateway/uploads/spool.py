"""The spool of uploaded files: on disk, by the hash of the content that the client sent.

A request holds the entries that it writes until its end. A workflow holds the files of its command, by its id, until it
has ended and cannot be retried: the hold begins before the workflow starts, so that a crash in between loses nothing.
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
from gateway.uploads.directory import PartialFile, UploadDirectory

T = TypeVar("T")

TOTAL = 4 * 2**30  # bytes
LARGEST = 100_000_000  # bytes of one file: the most the upstream takes of a video
GRACE = 600.0  # seconds
PIECE = 2**20  # bytes per write: each write takes a thread


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An entry of the spool: the SHA-256 of its content in hex, and its size in bytes."""

    sha256: str
    size: int


class Spool:
    """The spool of one process; several processes may share the directory.

    `total` bounds all files together, `largest` each one, in bytes. Every method raises FlowsUnavailable if the disk
    fails. A cancelled call has either taken full effect or none when it raises.
    """

    def __init__(self, directory: Path, *, total: int = TOTAL, largest: int = LARGEST) -> None:
        self._directory = UploadDirectory(directory)
        self._total = total
        self._largest = largest
        self._numbers = itertools.count(1)

    async def start(self) -> None:
        """Create the directory, and remove the files of dead processes."""
        await in_thread(self._directory.begin)

    async def aclose(self) -> None:
        await in_thread(self._directory.end)

    @contextlib.asynccontextmanager
    async def intake(self) -> AsyncIterator[UploadSession]:
        """Open the upload session of one request, which holds its entries until its end."""
        holder = self._directory.request(next(self._numbers))
        intake = UploadSession(self, holder)
        try:
            yield intake
        finally:
            if intake.is_used:
                await in_thread(self._directory.release_all, holder)

    def path(self, sha256: str) -> Path:
        """Return the path of the file to send to the upstream; it exists as long as the entry has a holder."""
        return self._directory.path(sha256)

    async def fetch(self, sha256: str, holder: str) -> Path | None:
        """Return the path of the file to send to the upstream, as `path` does; None if it is no longer there.

        The flow `holder` holds it.
        """
        return await in_thread(self._directory.held, sha256, holder)

    async def adopt(self, chunks: AsyncIterable[bytes], sha256: str, holder: str) -> None:
        """Write `chunks`, which were made of the content with this SHA-256, to its entry, held by `holder`.

        If the call is cancelled, or `chunks` raises, no file remains.
        """
        part = self._directory.part(next(self._numbers))
        try:
            await self._fill(part, chunks)
            await in_thread(self._directory.adopt, part, sha256, holder)
        finally:
            await in_thread(part.discard)

    async def hold(self, sha256: str, holder: str) -> None:
        """Keep the entry until `holder` releases it. Raises FlowsUnavailable if the entry no longer exists."""
        await in_thread(self._directory.hold, sha256, holder)

    async def release(self, sha256: str, holder: str) -> None:
        """Release the entry. Succeeds if the entry no longer exists, or was never held."""
        await in_thread(self._directory.release, sha256, holder)

    async def sweep(self, keep: Collection[str], *, grace: float = GRACE) -> int:
        """Drop the holds of dead processes and of workflows outside `keep`. Returns how many entries were removed.

        A hold younger than `grace` seconds stays: its workflow may have started after `keep` was read.
        """
        return await in_thread(self._directory.sweep, keep, grace)

    async def replace(self, sha256: str, data: bytes) -> None:
        """Replace the content that the client sent by `data`, which is sent to the upstream instead."""
        await in_thread(self._directory.replace, sha256, data)

    async def write(self, chunks: AsyncIterable[bytes], holder: str) -> StoredUpload:
        """Write `chunks` to an entry held by `holder`, and return it. Raises BodyTooLarge.

        If the call is cancelled, or `chunks` raises, no file remains.
        """
        part = self._directory.part(next(self._numbers))
        try:
            size = await self._fill(part, chunks)
            await in_thread(self._directory.enter, part, holder)
        finally:
            await in_thread(part.discard)
        return StoredUpload(part.sha256, size)

    async def _fill(self, part: PartialFile, chunks: AsyncIterable[bytes]) -> int:
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

    def _append(self, part: PartialFile, data: bytes) -> None:
        if self._directory.size() + len(data) > self._total:
            raise _unavailable()
        part.append(data)


class UploadSession:
    """The uploads of one request. Created by `Spool.intake`."""

    def __init__(self, spool: Spool, holder: str) -> None:
        self._spool = spool
        self._holder = holder
        self.is_used = False

    async def take(self, chunks: AsyncIterable[bytes]) -> StoredUpload:
        """Write an upload, and return its entry. Raises BodyTooLarge and FlowsUnavailable."""
        self.is_used = True
        return await self._spool.write(chunks, self._holder)


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run `work` in a thread, and wait for its end even when cancelled.

    The thread cannot be stopped, and would otherwise interfere with the cleanup after a cancellation.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
    except OSError as exc:
        raise _unavailable() from exc


def _unavailable() -> FlowsUnavailable:
    return FlowsUnavailable("Uploads cannot be taken in at the moment: try again later.")

"""Object storage: files by their names in a bucket of S3 or Google Cloud Storage, or a container of Azure.

An object appears whole or not at all. Its digest is stored with it and compared when it is read, so that nobody reads
half of it. Requests that fail or are refused for their rate (503 SlowDown) are repeated for some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from gateway.errors import FlowsUnavailable

if TYPE_CHECKING:
    from obstore import ObjectMeta

T = TypeVar("T")

THREADS = 8
PIECE = 4 * 2**20  # bytes of one request, in either direction
AT_ONCE = 2  # requests of one upload
DIGEST = "sha256"
# The names of the credentials, where the settings have them.
CREDENTIALS = {
    "s3": ("access_key_id", "secret_access_key"),
    "az": ("account_name", "account_key"),
}


class StorageUnavailable(FlowsUnavailable):
    """The object storage cannot be used now. `is_refused`: it refuses the credentials. The message quotes nothing."""

    def __init__(self, *, is_refused: bool = False) -> None:
        super().__init__("The storage of files cannot be used at the moment: try again later.")
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """Access to object storage. `endpoint` is the URL of a server that is not the cloud's own.

    What is None is taken from the environment variables of the cloud's own tools.
    """

    url: str
    endpoint: str | None = None
    key_id: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class StoragePatience:
    """How long storage is waited for, in seconds: for a connection, one request, and all repetitions of it.

    A request waits for one of the threads as long as a request takes at most.
    """

    connect: float = 3.0
    request: float = 20.0
    repetitions: int = 4
    all_repetitions: float = 15.0


STANDARD = StoragePatience()


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """An object in a listing. `modified_at` is in Unix seconds, by the clock of the storage."""

    name: str
    modified_at: float


class Objects(Protocol):
    """The port to object storage. Methods raise StorageUnavailable."""

    async def put(self, name: str, path: Path) -> None:
        """Write the content of a file, in bounded memory. It replaces an object of this name as a whole."""

    async def exists(self, name: str) -> bool: ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content in pieces. Raise FileNotFoundError, and StorageUnavailable if it is not what was put.

        The last piece is yielded only if all of them together are right.
        """

    async def delete(self, names: Sequence[str]) -> None:
        """Delete the objects, as far as they exist."""

    def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        """Yield the objects below a prefix, which ends without a slash."""


class CloudObjects:
    """Object storage over HTTP."""

    def __init__(self, access: StorageAccess, patience: StoragePatience = STANDARD) -> None:
        """Connect to nothing yet. Raise ValueError if the URL, or what the environment says about it, is invalid."""
        self._store = _store(access, patience)
        # Threads of its own: while the storage hangs, others would wait for the event loop's. And no coroutines of
        # obstore: a process that exits right after one of them may abort, as their results come from foreign threads.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")
        self._free = asyncio.Semaphore(THREADS)
        self._patience = patience

    async def put(self, name: str, path: Path) -> None:
        try:
            await self._call(self._put, name, path)
        except FileNotFoundError:  # the bucket is missing
            raise StorageUnavailable from None

    async def exists(self, name: str) -> bool:
        try:
            await self._call(obstore.head, self._store, name)
        except FileNotFoundError:
            return False
        return True

    async def read(self, name: str) -> AsyncIterator[bytes]:
        size, expected = await self._call(self._described, name)
        digest, last = hashlib.sha256(), b""
        for begin in range(0, size, PIECE):
            piece = await self._call(self._range, name, begin, min(PIECE, size - begin))
            digest.update(piece)
            if last:
                yield last
            last = piece
        if digest.hexdigest() != expected:
            raise StorageUnavailable
        yield last

    async def delete(self, names: Sequence[str]) -> None:
        if names:
            with contextlib.suppress(FileNotFoundError):
                await self._call(obstore.delete, self._store, list(names))

    async def entries(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        pages = await self._call(obstore.list, self._store, prefix)
        while page := await self._page(pages):
            for found in page:
                yield ObjectEntry(found["path"], found["last_modified"].timestamp())

    async def _page(self, pages: Iterator[Sequence[ObjectMeta]]) -> Sequence[ObjectMeta] | None:
        try:
            return await self._call(next, pages, None)
        except FileNotFoundError:  # the bucket is missing
            raise StorageUnavailable from None

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work in a thread, to its end. Raise FileNotFoundError and StorageUnavailable."""
        try:
            async with asyncio.timeout(self._patience.request):
                await self._free.acquire()
        except TimeoutError:
            raise StorageUnavailable from None
        try:
            return await self._in_thread(work, *arguments)
        finally:
            self._free.release()

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, partial(work, *arguments))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # A file that is read must not be removed before.
            await asyncio.gather(running, return_exceptions=True)
            raise
        except FileNotFoundError:
            raise
        except (BaseError, OSError, ValueError) as exc:
            raise _unavailable(exc) from None

    def _put(self, name: str, path: Path) -> None:
        obstore.put(
            self._store,
            name,
            path,
            attributes={DIGEST: _digest(path)},
            chunk_size=max(PIECE, 5 * 2**20),  # the least part that S3 takes
            max_concurrency=AT_ONCE,
        )

    def _described(self, name: str) -> tuple[int, str | None]:
        """Return size and digest."""
        found = obstore.get(self._store, name, options={"head": True})
        return found.meta["size"], found.attributes.get(DIGEST)

    def _range(self, name: str, begin: int, length: int) -> bytes:
        return bytes(obstore.get_range(self._store, name, start=begin, length=length))


def _store(access: StorageAccess, patience: StoragePatience) -> ObjectStore:
    """Return the store. Raise ValueError, whose message quotes no secret."""
    config: dict[str, Any] = {}
    scheme = access.url.partition("://")[0]
    if access.endpoint is not None:
        config["endpoint"] = access.endpoint
        if scheme == "s3":
            config["virtual_hosted_style_request"] = False
    names = CREDENTIALS.get(scheme, ())
    config |= {name: value for name, value in zip(names, (access.key_id, access.secret), strict=False) if value}
    is_plain = access.endpoint is not None and access.endpoint.startswith("http:")
    options: Mapping[str, Any] = {
        "allow_http": is_plain,
        "connect_timeout": timedelta(seconds=patience.connect),
        "timeout": timedelta(seconds=patience.request),
    }
    retries = {"max_retries": patience.repetitions, "retry_timeout": timedelta(seconds=patience.all_repetitions)}
    try:
        return from_url(access.url, config=config, client_options=options, retry_config=retries)  # type: ignore[call-overload,no-any-return]
    except (BaseError, OSError) as exc:
        raise ValueError(f"the storage cannot be used as it is configured ({type(exc).__name__})") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unavailable(exc: Exception) -> StorageUnavailable:
    """Return the error, without the cause: that quotes URLs with signatures, and what the server says."""
    return StorageUnavailable(is_refused=isinstance(exc, (PermissionDeniedError, UnauthenticatedError)))

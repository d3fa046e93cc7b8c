"""A Unix socket for each worker, in a directory that only the gateway's own user can enter.

A connection carries one request and one answer, each a line of JSON. A worker listens before it serves its first
client, and a file whose worker has ended refuses connections; so who asks all files reaches all workers that may hold
data.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

SUFFIX = ".sock"
LARGEST = 2**20  # bytes of a line
# A worker that serves others answers within milliseconds; one that searches a full cache takes a few seconds.
ANSWER_SECONDS = 20.0

INCOMPLETE = (asyncio.IncompleteReadError, asyncio.LimitOverrunError)

Handle: TypeAlias = Callable[[bytes], Awaitable[bytes]]


class WorkerSockets:
    """The sockets of the workers of one gateway. `handle` answers the requests of the other ones to this process."""

    def __init__(self, directory: Path, handle: Handle, *, patience: float = ANSWER_SECONDS) -> None:
        self._directory = directory
        self._handle = handle
        self._patience = patience
        self._own = directory / f"{os.getpid()}{SUFFIX}"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Answer the other workers."""
        self._own.unlink(missing_ok=True)  # of an earlier process with the same id
        server = await asyncio.start_unix_server(self._serve, self._own, limit=LARGEST)
        try:
            yield
        finally:
            self._own.unlink(missing_ok=True)
            server.close()

    async def ask(self, request: bytes) -> Mapping[int, bytes | None]:
        """Return the answers of the other workers by their process ids; None of one that gives none in time."""
        others = [path for path in self._directory.glob(f"*{SUFFIX}") if path != self._own]
        answers = await asyncio.gather(*(self._ask(path, request) for path in others))
        return {int(path.stem): answer for path, answer in zip(others, answers, strict=True) if answer != b""}

    async def _ask(self, path: Path, request: bytes) -> bytes | None:
        """Return the answer; nothing of a worker that has ended."""
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await asyncio.open_unix_connection(path, limit=LARGEST)
                with contextlib.closing(writer):
                    writer.write(request + b"\n")
                    return (await reader.readuntil())[:-1]
        except (ConnectionRefusedError, FileNotFoundError):  # it has ended, or does not serve clients yet
            return b""
        except (OSError, TimeoutError, *INCOMPLETE):
            return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError, *INCOMPLETE):
            async with asyncio.timeout(self._patience):
                request = await reader.readuntil()
                writer.write(await self._handle(request[:-1]) + b"\n")
                await writer.drain()

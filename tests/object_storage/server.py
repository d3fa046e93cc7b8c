"""S3 by moto's server, a process of its own, and a proxy before it that fails as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gateway.uploads.object_storage import StorageAccess
from tests import processes

LIMIT = 120.0
# Of the server, which serves the tests of a whole module, on whatever machine.
LIFE = 1_800.0
BUCKET = "files"
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
KEY_ID, SECRET = "storage-key-id", "storage-secret-never-seen"  # pragma: allowlist secret


@contextlib.contextmanager
def s3() -> Iterator[str]:
    """The URL of a server with one bucket."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    # Into a file: nobody reads its line for each request, and it would wait for a reader of a pipe.
    with (
        tempfile.NamedTemporaryFile() as log,
        processes.started(command, seconds=LIFE, stdout=subprocess.DEVNULL, stderr=log),
    ):
        url = _announced(Path(log.name))
        httpx.put(f"{url}/{BUCKET}", timeout=LIMIT).raise_for_status()
        yield url


def _announced(log: Path) -> str:
    end = time.monotonic() + LIMIT
    while (found := re.search(r"http://127\.0\.0\.1:[0-9]+", log.read_text())) is None:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)
    return found[0]


def access(endpoint: str, prefix: str = "gateway") -> StorageAccess:
    return StorageAccess(f"s3://{BUCKET}/{prefix}", endpoint, KEY_ID, SECRET)


def settings(endpoint: str, prefix: str = "gateway") -> dict[str, str]:
    return {
        "GATEWAY_STORAGE_URL": f"s3://{BUCKET}/{prefix}",
        "GATEWAY_STORAGE_ENDPOINT": endpoint,
        "GATEWAY_STORAGE_KEY_ID": KEY_ID,
        "GATEWAY_STORAGE_SECRET": SECRET,
    }


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one request of a method, or of any; `after` is in bytes of the answer."""

    kind: str
    method: str | None = None
    after: int = 0
    seconds: float = 0.0


@dataclass
class FaultyProxy:
    """One connection for each request. `faults` are used up in their order; `always` is for all others."""

    upstream: str
    faults: deque[Fault] = field(default_factory=deque)
    always: Fault | None = None
    requests: list[str] = field(default_factory=list)
    url: str = ""
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def count(self, method: str) -> int:
        return sum(line.startswith(method) for line in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._serving.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    async def aclose(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        line = head.partition(b"\r\n")[0].decode()
        self.requests.append(line)
        fault = self._fault(line.partition(" ")[0])
        if fault is None:
            writer.write(await self._answer(head, body))
        elif fault.kind == "slow down":
            writer.write(b"HTTP/1.1 503 Slow Down\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(SLOW_DOWN))
            writer.write(SLOW_DOWN)
        elif fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            writer.write(await self._answer(head, body))
        elif fault.kind == "cut":
            writer.write((await self._answer(head, body))[: fault.after])
            await writer.drain()
            writer.transport.abort()
        elif fault.kind == "cut before":
            writer.transport.abort()
        else:
            raise AssertionError(fault.kind)
        await writer.drain()

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in (None, method):
                self.faults.remove(fault)
                return fault
        return self.always if self.always is not None and self.always.method in (None, method) else None

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        to = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(to.hostname, to.port)
        try:
            first, _, rest = head.partition(b"\r\n")
            writer.write(first + b"\r\nconnection: close\r\n" + rest + body)
            return await reader.read(-1)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def proxied(upstream: str) -> AsyncIterator[FaultyProxy]:
    proxy = FaultyProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=2**20)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.aclose()
        await server.wait_closed()

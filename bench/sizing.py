"""What a gateway takes of memory: at its start, for each thousand cached users, and for each idle connection.

    python -m bench.sizing

The upstream is the sandbox, whose thousand users have 13 highlights each on average. Resident memory is measured on the
outside, the bytes of the caches are the gateway's own count. Takes some minutes, and needs Linux.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench import processes
from gateway.sandbox.world import World
from tests.fakes.certificates import CertificateFiles, certificate_files

ROOT = Path(__file__).parent.parent
MIB = 2**20
USERS = 1_000
LINES = 1_000
AT_ONCE = 16
PROFILE = "query P($id: ID!) { user(by: { id: $id }) { username fullName biography followerCount } }"
TRAY = "query T($id: ID!) { user(by: { id: $id }) { highlights { nodes { id title cover { url } } } } }"
ITEMS = (
    "query I($id: ID!) { user(by: { id: $id }) { highlights(first: 3) { nodes { items { nodes "
    "{ id takenAt kind thumbnailUrl videoUrl } } } } } }"
)
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    "sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)
# A masked frame: {"type":"connection_init"}, with a mask of zeros.
INIT = b"\x81\x9a\x00\x00\x00\x00" + b'{"type":"connection_init"}'
USED = r"^highlights_gateway_memory_used_bytes\{.*\} (.+)$"
HTTP = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@dataclass(slots=True)
class Started:
    """A gateway, and where it is."""

    pid: int
    port: int
    metrics: int
    rows: list[tuple[str, str]] = field(default_factory=list)

    def resident(self) -> int:
        return processes.resident(self.pid)

    async def cached(self) -> float:
        """Bytes, by its own count."""
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(f"http://127.0.0.1:{self.metrics}/metrics")).text
        return sum(
            float(found)
            for found in re.findall(r"^highlights_gateway_memory_used_bytes\{.*\} (.+)$", page, re.MULTILINE)
        )


@contextlib.asynccontextmanager
async def started(
    folder: Path, *options: str, upstream: int, context: ssl.SSLContext | None = None
) -> AsyncIterator[Started]:
    port, metrics = 18_751, 18_752
    environment = _environment() | {
        "GATEWAY_HIKERAPI_URL": f"http://127.0.0.1:{upstream}",
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_HIKERAPI_RATE": "100000",
        "GATEWAY_CACHE_BYTES": "4 GiB",
        "GATEWAY_METRICS": f"127.0.0.1:{metrics}",
        "GATEWAY_DATA_DIR": str(folder / "data"),
        "GATEWAY_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "gateway", "serve", "--port", str(port), *options]
    with (folder / "log").open("wb") as log:
        process = processes.start(command, ROOT, environment, log)
        try:
            await _ready(port, context)
            await _settled(process.pid)
            yield Started(process.pid, port, metrics)
        finally:
            processes.end(process)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}


async def _ready(port: int, context: ssl.SSLContext | None = None) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(HTTP)
            async with asyncio.timeout(1):
                await reader.readexactly(4)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"Nothing answers on port {port}.")


async def _settled(pid: int) -> None:
    """Wait until nothing more is loaded: for five seconds no megabyte came to it."""
    before, same = 0, 0
    while same < 5:
        await asyncio.sleep(1)
        now = processes.resident(pid)
        same, before = (same + 1 if now - before < MIB else 0), now


async def measure_cache(gateway: Started) -> list[tuple[str, str]]:
    """Rows of what a thousand users take, kind by kind."""
    users = [str(World().user(number).pk) for number in range(USERS)]
    await asked(gateway, PROFILE, users[:20])
    await asked(gateway, ITEMS, users[:20])
    rows = [("after the first operations", _mib(gateway.resident()))]
    for name, document in (("profiles", PROFILE), ("trays", TRAY), ("the items of 3 highlights of each", ITEMS)):
        resident, counted = gateway.resident(), await gateway.cached()
        await asked(gateway, document, users)
        grown, held = gateway.resident() - resident, await gateway.cached() - counted
        rows.append((f"{USERS:,} users: {name}", f"{_mib(grown)}, of which the caches count {_mib(held)}"))
    return rows


async def asked(gateway: Started, document: str, users: list[str]) -> None:
    places = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, timeout=300, base_url=f"http://127.0.0.1:{gateway.port}") as client:

        async def one(user: str) -> None:
            async with places:
                answer = await client.post("/graphql", json={"query": document, "variables": {"id": user}})
                answer.raise_for_status()
                if "data" not in (body := msgspec.json.decode(answer.content)):
                    raise RuntimeError(f"No data: {body}")

        await asyncio.gather(*(one(user) for user in users))


async def measure_lines(gateway: Started, first: bytes, count: int, *, context: ssl.SSLContext | None = None) -> float:
    """Bytes of resident memory for each connection that has been answered once."""
    await _opened(gateway, first, 50, context)  # what is allocated once
    await asyncio.sleep(1)
    before = gateway.resident()
    lines = await _opened(gateway, first, count, context, close=False)
    taken = (gateway.resident() - before) / count
    for writer in lines:
        writer.close()
    await asyncio.sleep(1)
    return taken


async def _opened(
    gateway: Started, first: bytes, count: int, context: ssl.SSLContext | None, *, close: bool = True
) -> list[Any]:
    lines = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=context)
        if first is INIT:
            writer.write(HANDSHAKE.encode())
            await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        await reader.read(1_000)
        lines.append(writer)
        if close:
            writer.close()
    return lines


async def measured(folder: Path, upstream: int) -> list[tuple[str, str]]:
    async with started(folder, upstream=upstream) as gateway:
        rows = [("after the start", _mib(gateway.resident()))]
        rows += await measure_cache(gateway)
        rows.append(("an idle HTTP connection", _kib(await measure_lines(gateway, HTTP, LINES))))
        rows.append(("an idle WebSocket", _kib(await measure_lines(gateway, INIT, LINES))))
    files: CertificateFiles = certificate_files(folder)
    tls = ("--tls-cert", str(files.chain), "--tls-key", str(files.key))
    async with started(folder, *tls, upstream=upstream, context=files.context) as gateway:
        rows.append(
            ("an idle HTTP connection by TLS", _kib(await measure_lines(gateway, HTTP, LINES, context=files.context)))
        )
    async with started(folder, "--workers", "2", upstream=upstream) as gateway:
        rows.append(("with 2 workers, after the start", _mib(gateway.resident())))
    return rows


def _mib(size: float) -> str:
    return f"{size / MIB:.0f} MiB"


def _kib(size: float) -> str:
    return f"{size / 1_024:.0f} KiB"


async def main() -> None:
    upstream = 18_753
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "sandbox.log").open("wb") as log:
            command = [sys.executable, "-m", "gateway", "sandbox", "--port", str(upstream)]
            sandbox = processes.start(command, ROOT, _environment(), log)
            try:
                await _ready(upstream)
                rows = await measured(folder, upstream)
            finally:
                processes.end(sandbox)
    print("| what | resident memory |\n|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    asyncio.run(main())

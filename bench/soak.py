"""A gateway under new documents, refusals and hang-ups for minutes: pauses of its collector, waits, and its memory.

    python -m bench.soak [--seconds 240] [--rate 400]

Clients write ids into the text, so that no document comes twice. A prober asks for `/healthz` all along. The gateway
has a cache of 64 MiB; it is to stay within idle + 64 + 60 MiB, and its collector to stop it for 30 ms at the most. What
the prober waits holds the work of the requests before it as well, and whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from bench import processes
from gateway.sandbox import fixture_users

ROOT = Path(__file__).parent.parent
CONNECTIONS = 24
CACHE_MIB = 64
HEADROOM_MIB = 60
LONGEST_PAUSE = 30.0  # milliseconds
PROBE_EVERY = 0.01  # seconds
SAMPLE_EVERY = 5.0
MIB = 2**20
Collection: TypeAlias = tuple[float, int, float, int]
PORTS = 18_731, 18_732
FIELDS = "username fullName highlights(first: 30) { nodes { id title cover { url } } }"


@dataclass(slots=True)
class Soaked:
    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    """Of the prober, in milliseconds."""
    memory: list[int] = field(default_factory=list)
    idle: int = 0
    collections: list[Collection] = field(default_factory=list)
    """When, of which generation, how long in milliseconds, and how many objects were found."""


def requests() -> Iterator[tuple[str, bytes, bool]]:
    """Kind, bytes, and whether its sender goes away before the answer."""
    kinds = cycle(["new"] * 13 + ["known"] * 2 + ["invalid", "no GraphQL", "over the ceiling", "hang-up", "variables"])
    people = cycle(fixture_users.CAST)
    for turn, kind in zip(count(), kinds, strict=False):
        user = f'user(by: {{ id: "{next(people).pk}" }})'
        body: dict[str, Any] = {"query": f"{{ a{turn}: {user} {{ {FIELDS} }} }}"}
        headers = ""
        match kind:
            case "known":
                body = {"query": f"{{ {user} {{ {FIELDS} }} }}"}
            case "invalid":
                body = {"query": f"{{ {user} {{ a{turn}: nothing {FIELDS} }} }}"}
            case "no GraphQL":
                body = {"query": f"{{ a{turn}: {user} {{ {FIELDS} }}"}
            case "over the ceiling":
                body = {"query": f'{{ user(by: {{ username: "nobody.{turn}" }}) {{ id }} }}'}
                headers = "x-billing-limit: 0\r\n"
            case "variables":
                body = {"query": "query($id: ID!) { user(by: { id: $id }) { id } }", "variables": {"id": [turn]}}
            case _:
                pass
        yield kind, _post(body, headers), kind == "hang-up"


def _post(body: dict[str, Any], headers: str) -> bytes:
    content = msgspec.json.encode(body)
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{PORTS[0]}\r\ncontent-type: application/json\r\n"
        f"{headers}content-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return int(head[9:12])


async def _client(work: Iterator[tuple[str, bytes, bool]], rate: float, until: float, soaked: Soaked) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORTS[0])
    due = time.monotonic()
    while time.monotonic() < until:
        due += CONNECTIONS / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        kind, data, goes = next(work)
        writer.write(data)
        if goes:
            await writer.drain()
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", PORTS[0])
            soaked.answers[kind] += 1
        else:
            soaked.answers[f"{kind}: {await _answer(reader)}"] += 1
    writer.close()


async def _probe(until: float, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORTS[0])
    while time.monotonic() < until:
        began = time.perf_counter()
        writer.write(f"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{PORTS[0]}\r\n\r\n".encode())
        await _answer(reader)
        waits.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(PROBE_EVERY)
    writer.close()


async def _watch(pid: int, until: float, memory: list[int]) -> None:
    while time.monotonic() < until:
        memory.append(processes.resident(pid))
        await asyncio.sleep(SAMPLE_EVERY)


async def _ready(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError(f"Nothing listens on port {port}.")


async def soak(seconds: float, rate: float) -> Soaked:
    soaked = Soaked()
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "collections"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")} | {
            "GATEWAY_HIKERAPI_URL": f"http://127.0.0.1:{PORTS[1]}",
            "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
            "GATEWAY_CACHE_BYTES": f"{CACHE_MIB} MiB",
            "GATEWAY_DATA_DIR": folder,
        }
        python = [sys.executable, "-m"]
        with (Path(folder) / "log").open("wb") as log:
            sandbox = [*python, "gateway", "sandbox", "--port", str(PORTS[1])]
            served = [*python, "bench.collected", str(written), "serve", "--port", str(PORTS[0])]
            running = [processes.start(command, ROOT, environment, log) for command in (sandbox, served)]
            try:
                for port in PORTS:
                    await _ready(port)
                pid = running[1].pid
                work = requests()
                await _client(work, rate, time.monotonic() + 1, Soaked())  # code that is loaded once
                soaked.idle, began = processes.resident(pid), time.time()
                until = time.monotonic() + seconds
                await asyncio.gather(
                    _probe(until, soaked.waits),
                    _watch(pid, until, soaked.memory),
                    *(_client(work, rate, until, soaked) for _ in range(CONNECTIONS)),
                )
                ended = time.time()
            finally:
                for process in reversed(running):
                    processes.end(process)
        found = [msgspec.json.decode(line, type=Collection) for line in written.read_bytes().splitlines()]
        soaked.collections = [one for one in found if began < one[0] < ended]
    return soaked


def report(soaked: Soaked, seconds: float) -> tuple[str, bool]:
    """And whether the targets are reached."""
    most, longest = max(soaked.memory), max((pause for _, _, pause, _ in soaked.collections), default=0.0)
    limit = soaked.idle + (CACHE_MIB + HEADROOM_MIB) * MIB
    waits = sorted(soaked.waits)
    lines = [
        f"{sum(soaked.answers.values()) / seconds:.0f} requests/s for {seconds:.0f} s: "
        + ", ".join(f"{kind} {number}" for kind, number in sorted(soaked.answers.items())),
        f"collector: longest pause {longest:.1f} ms (at most {LONGEST_PAUSE:.0f}); "
        + ", ".join(_of_generation(soaked.collections, generation) for generation in range(3)),
        f"memory: {most / MIB:.0f} MiB at the most (at most {limit / MIB:.0f}), {soaked.idle / MIB:.0f} idle, "
        f"{soaked.memory[-1] / MIB:.0f} at the end",
        f"/healthz: p50 {statistics.median(waits):.1f} ms, p99 {waits[len(waits) * 99 // 100]:.1f}, "
        f"longest {waits[-1]:.1f}",
    ]
    return "\n".join(lines), longest <= LONGEST_PAUSE and most <= limit


def _of_generation(collections: list[Collection], generation: int) -> str:
    pauses = [pause for _, of, pause, _ in collections if of == generation]
    found = sum(found for _, of, _, found in collections if of == generation)
    return f"generation {generation}: {len(pauses)} of up to {max(pauses, default=0.0):.1f} ms, {found} objects found"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--rate", type=float, default=400, help="requests a second")
    arguments = parser.parse_args()
    text, reached = report(asyncio.run(soak(arguments.seconds, arguments.rate)), arguments.seconds)
    print(text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

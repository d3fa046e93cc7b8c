"""One cell: wrk against one contestant, and what came of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bench.contestants import LOAD_CORE, Running, ask
from bench.operations import body
from bench.processes import cpu_seconds
from bench.world import Shape

SCRIPT = Path(__file__).parent / "load.lua"
# A cell's first serial number, far from every other cell's: what is new in it is new for everybody.
STRIDE = 40_000
CROWD = 20  # users that one request of the kind crowd_small asks for
LEAST_TIMES = 5


@dataclass(frozen=True, slots=True)
class Load:
    """Which requests (a kind of load.lua), how many at once, on accounts of which shapes, and for how long."""

    kind: str
    connections: int
    seconds: int
    small: Shape
    big: Shape


@dataclass(frozen=True, slots=True)
class Measured:
    """Rates in requests a second, times in milliseconds.

    `failed` counts errors of transport and statuses. `busy` and `load_busy` are the shares of a core that the
    contestant used, and wrk with the upstream on theirs.
    """

    rate: float
    p50: float
    p99: float
    bytes_each: float
    requests: int
    failed: int
    busy: float
    load_busy: float


class Generator:
    """Numbers the cells, so that no two of them ask for the same new thing."""

    def __init__(self, upstream: Running) -> None:
        self.upstream = upstream
        self.cells = 0

    def run(self, running: Running, load: Load) -> Measured:
        """Raises RuntimeError if wrk fails, and subprocess.TimeoutExpired."""
        self.cells += 1
        dialect = running.contestant.dialect
        command = [
            *("taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds}s"),
            *("--timeout", "30s", "-s", str(SCRIPT), running.url, "--", load.kind),
            *(
                dialect.small,
                dialect.big,
                dialect.crowd,
                _prefix(load.small),
                _prefix(load.big),
                str(self.cells * STRIDE),
            ),
        ]
        began, before, load_before = time.monotonic(), cpu_seconds(running.process.pid), self._load_seconds()
        done = subprocess.run(command, capture_output=True, text=True, timeout=load.seconds + 60, check=False)
        seconds = time.monotonic() - began
        figures = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not figures:
            raise RuntimeError(f"wrk: {done.stdout[-500:]}{done.stderr[-500:]}")
        busy = (cpu_seconds(running.process.pid) - before) / seconds
        return _measured(json.loads(figures[-1]), busy, (self._load_seconds() - load_before) / seconds)

    def bare(self, target: str, seconds: int = 2) -> float:
        """Requests a second of plain GETs to the upstream."""
        url = f"{self.upstream.address}{target}"
        command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c64", f"-d{seconds}s", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=True)
        if (rate := re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)) is None:
            raise RuntimeError(f"wrk: {done.stdout[-500:]}{done.stderr[-500:]}")
        return float(rate[1])

    def _load_seconds(self) -> float:
        """Of wrk, which has ended when it is asked, and of the upstream."""
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime + cpu_seconds(self.upstream.process.pid)


def prime(running: Running, user: str, name: str) -> bytes:
    """Asks once, so that what is repeated later is warm. Returns the answer."""
    return ask(running.url, body(running.contestant.dialect, name, user))


def typical(url: str, requests: Iterator[bytes], seconds: float) -> float:
    """The median time of one request after the other, in milliseconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < LEAST_TIMES:
        request = next(requests)
        began = time.perf_counter()
        connection.request("POST", parts.path, request, {"content-type": "application/json"})
        answer = connection.getresponse().read()
        times.append(time.perf_counter() - began)
        if b'"errors"' in answer[:200]:
            raise RuntimeError(f"{url} answered {answer[:200]!r}")
    connection.close()
    return statistics.median(times) * 1000


def herd(running: Running, name: str, user: str, size: int) -> None:
    """The same operation `size` times at once. Raises RuntimeError for an answer with errors."""
    asyncio.run(_herd(running.url, body(running.contestant.dialect, name, user), size))


async def _herd(url: str, request: bytes, size: int) -> None:
    connector = aiohttp.TCPConnector(limit=size)
    async with aiohttp.ClientSession(connector=connector, headers={"content-type": "application/json"}) as session:

        async def one() -> bytes:
            async with session.post(url, data=request) as response:
                return await response.read()

        answers = await asyncio.gather(*(one() for _ in range(size)))
    if any(b'"errors"' in answer[:200] for answer in answers):
        raise RuntimeError("an answer to the herd has errors")


def _prefix(shape: Shape) -> str:
    return shape.user(0)[:-7]


def _measured(figures: dict[str, int], busy: float, load_busy: float) -> Measured:
    requests = figures["requests"]
    return Measured(
        rate=requests / (figures["microseconds"] / 1e6),
        p50=figures["p50"] / 1000,
        p99=figures["p99"] / 1000,
        bytes_each=figures["bytes"] / max(requests, 1),
        requests=requests,
        failed=figures["failed"],
        busy=busy,
        load_busy=load_busy,
    )

"""What a durable step costs: a step that does nothing, on SQLite, one after the other in one flow.

    python -m bench.steps

It may cost 5 ms at the median, of the clock on the wall, on the event loop that serves. Beside it stands what the disk
alone takes to say that it has written, 200 bytes at a time: the rest is the engine's bookkeeping, and ours.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Json, Run, Step
from gateway.events import ignore

STEPS = 300
WARM_UP = 20
TARGET = 5.0  # milliseconds, at the median
DAY = 86_400.0


async def nothing() -> Json:
    return None


def synced(folder: Path) -> list[float]:
    """Milliseconds of each append that is on the disk when it returns."""
    times = []
    with (folder / "synced").open("ab", buffering=0) as file:
        for _ in range(STEPS):
            began = time.perf_counter()
            file.write(bytes(200))
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1e3)
    return times


async def steps(folder: Path) -> list[float]:
    """Milliseconds of each step."""
    times = []

    async def body(run: Run, input: Json) -> Json:
        for number in range(WARM_UP + STEPS):
            began = time.perf_counter()
            await run.step(Step(f"step {number}", nothing))
            times.append((time.perf_counter() - began) * 1e3)
        return None

    url = f"sqlite:///{folder}/flows.sqlite3"
    dice = random.Random(1)
    durable = DbosDurable(url, folder, clock=SystemClock(), hook=ignore, dice=dice, retention=DAY)
    durable.define("bench", body)
    await durable.launch()
    await durable.start("bench", "bench:1", None)
    await durable.wait("bench:1", 60.0)
    await durable.aclose()
    return times[WARM_UP:]


@dataclass(frozen=True, slots=True)
class Steps:
    """Milliseconds: of each step, and of each write of the disk alone."""

    step: list[float]
    disk: list[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.step)


def measured() -> Steps:
    with tempfile.TemporaryDirectory() as folder:
        return Steps(uvloop.run(steps(Path(folder))), synced(Path(folder)))


def line(name: str, times: list[float]) -> str:
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    return f"{name:6} p50 {p50:5.2f} ms, p95 {p95:5.2f} ms"


def main() -> None:
    found = measured()
    print(f"{line('step', found.step)}, target {'reached' if found.p50 <= TARGET else 'missed'}")
    print(line("disk", found.disk))


if __name__ == "__main__":
    main()

"""`make bench`: everything, side by side, in one run of some twenty minutes; writes bench/README.md.

    python -m bench.run [--quick | --rounds N] [--out FILE]

`--quick` takes seconds per cell and one round: it shows that all of it works, and its figures mean little. `--rounds`
are how often the contestants take turns: one takes half the time of three.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench import attacks, large_pages, limits, processes, steps
from bench.contestants import (
    CONTESTANT_CORE,
    GATEWAY,
    HANDWRITTEN,
    LOAD_CORE,
    PEER_LIST,
    RAW,
    UPSTREAM_ITSELF,
    Running,
    install_peers,
    missing_tools,
    started,
)
from bench.load import prime
from bench.operations import body, facts
from bench.profiling import profile
from bench.report import Circumstances, now, report
from bench.scenarios import MEMORY_USERS, SCENARIOS, USUAL, Stage
from bench.targets import Results, missed, targets

README = Path(__file__).parent / "README.md"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of everything.

    Seconds are per cell and measurement; `memory_seconds` bounds all of that one, `page_seconds` are for each kind of
    large pages.
    """

    rounds: int
    seconds: int
    growth_seconds: int
    memory_users: int
    memory_seconds: int
    page_seconds: float


FULL = Extent(
    rounds=3,
    seconds=3,
    growth_seconds=2,
    memory_users=MEMORY_USERS,
    memory_seconds=480,
    page_seconds=large_pages.SECONDS,
)
QUICK = Extent(rounds=1, seconds=2, growth_seconds=1, memory_users=2_000, memory_seconds=5, page_seconds=2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.run")
    extents = parser.add_mutually_exclusive_group()
    extents.add_argument("--quick", action="store_true", help="seconds per cell, to see that it works")
    extents.add_argument("--rounds", type=int, default=FULL.rounds, help="of the whole run (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=README, help="where the report goes (default: %(default)s)")
    arguments = parser.parse_args()
    if missing := missing_tools("wrk", "taskset", "node"):
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    install_peers()
    # What this process asks by itself, it asks from where the load comes.
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    began, clock, load = now(), time.monotonic(), os.getloadavg()[0]
    extent = QUICK if arguments.quick else replace(FULL, rounds=arguments.rounds)
    results = measure(extent)
    found = targets(results)
    profiles = {} if arguments.quick else {name: profile(name) for name in missed(found)}
    minutes = (time.monotonic() - clock) / 60
    command = "make bench QUICK=1" if arguments.quick else f"python -m bench.run --rounds {extent.rounds}"
    how = Circumstances(began, command, extent.rounds, extent.seconds, minutes, load)
    arguments.out.write_text(report(results, found, profiles, how), encoding="utf-8")
    reached = sum(target.is_reached for target in found)
    print(f"{reached} of {len(found)} targets reached: {arguments.out}")
    return 0


def measure(extent: Extent) -> Results:
    with tempfile.TemporaryDirectory(prefix="bench-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        running: dict[str, Running] = {}
        for who in (*PEER_LIST, HANDWRITTEN):
            tell(f"starting {who.title}")
            running[who.name] = stack.enter_context(started(who, source.address, folder, CONTESTANT_CORE))
        _compare(running, folder / "answers")
        running[RAW.name] = stack.enter_context(started(RAW, source.address, folder, CONTESTANT_CORE))
        stage = Stage(source, running, tell)
        cells = {
            scenario.name: stage.scenario(scenario, rounds=extent.rounds, seconds=extent.seconds)
            for scenario in SCENARIOS
        }
        herds = stage.herds()
        growth = stage.growth(seconds=extent.growth_seconds)
        peaks = {name: processes.most_resident(one.process.pid) for name, one in running.items()}
        rate = stage.upstream_rate()
        fresh = folder / "fresh"
        fresh.mkdir()
        with started(GATEWAY, source.address, fresh, CONTESTANT_CORE) as gateway:
            memory = stage.memory(gateway, users=extent.memory_users, seconds=extent.memory_seconds)
        tell("documents that are refused")
        refusals = asyncio.run(limits.refusals())
        tell("attacks")
        felt = attacks.measured()
        tell("large pages")
        stalls = large_pages.measured(extent.page_seconds)
        tell("steps of flows")
        return Results(cells, herds, growth, memory, peaks, rate, refusals, felt, stalls, steps.measured())


def _compare(running: dict[str, Running], answers: Path) -> None:
    """All must say the same; the gateway's answers become the raw server's. Raises RuntimeError."""
    answers.mkdir()
    user = USUAL.user(0)
    for name in ("small", "big"):
        answer = prime(running[GATEWAY.name], user, name)
        (answers / f"{name}.request").write_bytes(body(GATEWAY.dialect, name, user))
        (answers / f"{name}.answer").write_bytes(answer)
        for peer in running.values():
            if name == "small" and peer.contestant is HANDWRITTEN:
                continue  # it knows one operation
            if facts(prime(peer, user, name)) != facts(answer):
                raise RuntimeError(f"{peer.contestant.title} gives another answer to the {name} operation")
    tell("all answers are equal")


def tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

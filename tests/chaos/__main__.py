"""`python -m tests.chaos`: storms that are longer than a test may be, and their numbers as a table."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.commands import drawn
from tests.chaos.harness import Database, Plan
from tests.chaos.load_run import Tally, storm
from tests.durable.postgres import cluster

PLANS = {
    "Platform API, SQLite": Plan(),
    "aiograpi-rest, SQLite": Plan(dialect="aiograpi"),
}
ON_POSTGRESQL = "Platform API, PostgreSQL"
# Random kills a minute, beside those at the named points.
KILLS = 10
ROUND = 60  # flows to each round of the named points
# What is left when no orders come any more: outages are waited for, and each double looked for during half a minute.
AFTERWARDS = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--flows", type=int, default=200, help="in each storm")
    parser.add_argument("--minutes", type=float, default=4.0, help="how long orders keep coming, in each storm")
    parser.add_argument("--only", metavar="WORD", default="", help="storms with this in their name")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print("| upstream | flows | minutes | requests | upstream calls | of them failed | kills | doubled, and told |")
    print("|---|---|---|---|---|---|---|---|")
    tallies = {}
    with contextlib.ExitStack() as stack:
        for name, plan in (PLANS | _on_postgresql(stack)).items():
            if chosen.only not in name:
                continue
            tallies[name] = tally = _storm(plan, chosen.flows, chosen.minutes, chosen.seed)
            failed = f"{tally.failed_calls / max(1, tally.calls):.0%}"
            figures = (f"{tally.seconds / 60:.1f}", tally.requests, tally.calls, failed, tally.kills.total())
            print("| " + " | ".join(map(str, (name, chosen.flows, *figures, tally.doubled))) + " |", flush=True)
            for problem in tally.problems:
                print(f"PROBLEM {problem}", flush=True)
    for name, tally in tallies.items():
        print(f"\n{name}:", *(f"{count} x {where}" for where, count in sorted(tally.kills.items())), sep="\n  ")
    return any(tally.problems for tally in tallies.values())


def _on_postgresql(stack: contextlib.ExitStack) -> dict[str, Plan]:
    """None where it is not installed, which is said."""
    try:
        server = stack.enter_context(cluster())
    except pytest.skip.Exception as missing:
        print(missing, file=sys.stderr)
        return {}
    return {ON_POSTGRESQL: Plan(database=Database.of(server))}


def _storm(plan: Plan, flows: int, minutes: float, seed: int) -> Tally:
    seconds = minutes * 60
    kills = round(minutes * KILLS)
    rounds = max(1, flows // ROUND)
    plan = replace(
        plan,
        seconds=seconds,
        limit=seconds + AFTERWARDS,
        random_kills=kills,
        starts_to_kill=kills // 4,
        rounds=rounds,
        seed=seed,
    )
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        return asyncio.run(storm(plan, drawn(flows, random.Random(seed)), Path(folder)))


if __name__ == "__main__":
    sys.exit(main())

"""This tree beside another one: the same gateway at two commits, in each scenario.

    python -m bench.compare TREE [--rounds N]

TREE is a work tree of the other commit. A figure is what a gateway gets done for a second of the processor. A round is a
number of pairs of short cells, one cell for each tree; the tree that begins changes from pair to pair. The ratio of a
scenario is the median of its pairs' ratios, because the speed of a shared machine drifts by more than what is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.ablation import alone, number, scenarios, table, tell, thrift
from bench.contestants import GATEWAY, LOAD_CORE, UPSTREAM_ITSELF, Contestant, missing_tools, started
from bench.load import prime
from bench.operations import facts
from bench.report import machine
from bench.scenarios import USUAL, Scenario, Stage, median

HERE = Path(__file__).parents[1]
SECONDS = 1
PAIRS = 6


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.compare")
    parser.add_argument("tree", type=Path, help="a work tree of the other commit")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    arguments = parser.parse_args()
    if missing := missing_tools():
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    load = os.getloadavg()[0]
    rows = measured(_gateway("this", HERE), _gateway("other", arguments.tree.resolve()), arguments.rounds)
    print(f"{machine()}\nLoad average before the run: {load:.2f}.\n")
    head = ["scenario", "this: requests/s", "other", "this: per CPU second", "other", "ratio", "quartiles"]
    print(table(head, rows))
    return 0


def measured(this: Contestant, other: Contestant, rounds: int) -> Sequence[Sequence[str]]:
    with tempfile.TemporaryDirectory(prefix="compare-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        running = {who.name: stack.enter_context(alone(who, source, folder)) for who in (this, other)}
        # Two commits may give different answers; that each gives one is seen here.
        for one in running.values():
            for name in ("small", "big"):
                facts(prime(one, USUAL.user(0), name))
        stage = Stage(source, running, tell)
        return [_row(stage, scenario, rounds * PAIRS) for scenario in scenarios((this, other))]


def _gateway(name: str, tree: Path) -> Contestant:
    command = (sys.executable, "-m", "gateway", *GATEWAY.command[1:])
    environment = {**GATEWAY.environment, "PYTHONPATH": str(tree)}
    return replace(GATEWAY, name=name, title=name, command=command, environment=environment, cwd=tree)


def _row(stage: Stage, scenario: Scenario, pairs: int) -> Sequence[str]:
    cells = stage.pairs(scenario, pairs=pairs, seconds=SECONDS)
    ratios = sorted(thrift(this) / thrift(other) for this, other in cells)
    low, middle, high = statistics.quantiles(ratios, n=4)
    this, other = (median(side) for side in zip(*cells, strict=True))
    rates = [number(figure) for figure in (this.rate, other.rate, thrift(this), thrift(other))]
    return [scenario.title, *rates, f"{middle:.3f}", f"{low:.3f} to {high:.3f}"]


if __name__ == "__main__":
    sys.exit(main())

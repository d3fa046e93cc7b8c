"""This tree beside another one: the same gateway at two commits, in each scenario.

    python -m bench.compare TREE [--rounds N]

TREE is a work tree of the other commit. Two figures are compared: the instructions of a request (`instructions.py`),
and what a gateway gets done for a second of the processor. For the latter a round is a number of pairs of short cells,
one cell for each tree; the tree that begins changes from pair to pair. The ratio is the median of the pairs' ratios,
because the speed of a shared machine drifts by more than what is measured. Above 1 this tree does more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.ablation import alone, number, table, tell
from bench.contestants import GATEWAY, LOAD_CORE, UPSTREAM_ITSELF, Contestant, Running, missing_tools, started
from bench.instructions import COUNTED, TOOLS, counted
from bench.load import Measured, prime
from bench.operations import facts
from bench.report import machine
from bench.scenarios import USUAL, Scenario, Stage, median

HERE = Path(__file__).parents[1]
SECONDS = 1
PAIRS = 6


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.compare")
    parser.add_argument("tree", type=Path, help="a work tree of the other commit")
    parser.add_argument("--rounds", type=int, default=5, help="0: instructions alone (default: %(default)s)")
    arguments = parser.parse_args()
    if missing := missing_tools(*TOOLS):
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    load = os.getloadavg()[0]
    rows = measured(_gateway("this", HERE), _gateway("other", arguments.tree.resolve()), arguments.rounds)
    print(f"{machine()}\nLoad average before the run: {load:.2f}.\n")
    head = ["scenario", "instructions", "other", "ratio", "per CPU second", "other", "ratio", "quartiles"]
    print(table(head, rows))
    return 0


def measured(this: Contestant, other: Contestant, rounds: int) -> Sequence[Sequence[str]]:
    with staged(this, other) as (stage, source, folder):
        mine, others = counted(this, source, folder), counted(other, source, folder)
        return [
            [scenario.title, *_instructions(mine[scenario.name], others[scenario.name]), *times(stage, both, rounds)]
            for scenario in COUNTED
            for both in [replace(scenario, contestants=(this, other))]
        ]


@contextlib.contextmanager
def staged(this: Contestant, other: Contestant) -> Iterator[tuple[Stage, Running, Path]]:
    """Start two gateways over one upstream, and yield them with that upstream and the directory of the run."""
    with tempfile.TemporaryDirectory(prefix="compare-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        running = {who.name: stack.enter_context(alone(who, source, folder)) for who in (this, other)}
        # Two commits may give different answers; that each gives one is seen here.
        for one in running.values():
            for name in ("small", "big"):
                facts(prime(one, USUAL.user(0), name))
        yield Stage(source, running, tell), source, folder


def _gateway(name: str, tree: Path) -> Contestant:
    command = (sys.executable, "-m", "gateway", *GATEWAY.command[1:])
    environment = {**GATEWAY.environment, "PYTHONPATH": str(tree)}
    return replace(GATEWAY, name=name, title=name, command=command, environment=environment, cwd=tree)


def _instructions(this: float, other: float) -> Sequence[str]:
    return [f"{this:,.0f}", f"{other:,.0f}", f"{other / this:.3f}"]


def times(stage: Stage, scenario: Scenario, rounds: int) -> Sequence[str]:
    """Return what two contestants get done for a second of the processor, the median of the ratios, and quartiles.

    Of no round they are empty.
    """
    if not rounds:
        return ["", "", "", ""]
    cells = stage.pairs(scenario, pairs=rounds * PAIRS, seconds=SECONDS)
    low, middle, high = statistics.quantiles([thrift(this) / thrift(other) for this, other in cells], n=4)
    this, other = (median(side) for side in zip(*cells, strict=True))
    return [number(thrift(this)), number(thrift(other)), f"{middle:.3f}", f"{low:.3f} to {high:.3f}"]


def thrift(cell: Measured) -> float:
    """Requests for each second of the processor."""
    return cell.rate / cell.busy


if __name__ == "__main__":
    sys.exit(main())

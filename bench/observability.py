"""What metrics and the log cost: the gateway with both beside the gateway with neither, in each scenario.

    python -m bench.observability [--rounds N]

Of warm small operations, where 3 % are the limit, one gateway is compared with itself (`alternating.py`). The others
are measured as in `compare.py`: pairs of short cells, and what a gateway gets done for a second of the processor. The
log has a line for each operation, which goes to a file.
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
from itertools import pairwise
from pathlib import Path

from bench.ablation import alone, table, tell
from bench.compare import staged, times
from bench.contestants import GATEWAY, LOAD_CORE, UPSTREAM_ITSELF, missing_tools, started
from bench.instructions import COUNTED, TOOLS
from bench.report import machine
from bench.scenarios import Stage

OBSERVED = replace(GATEWAY, name="observed", environment=GATEWAY.environment | {"GATEWAY_METRICS": "127.0.0.1:0"})
STRETCHES = "stretches"
SECONDS = 10
WARM = next(scenario for scenario in COUNTED if scenario.name == "warm_small")
SILENT = replace(GATEWAY, name="silent", environment=GATEWAY.environment | {"GATEWAY_LOG_LEVEL": "error"})


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.observability")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    arguments = parser.parse_args()
    if missing := missing_tools(*TOOLS):
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    load = os.getloadavg()[0]
    print(f"{machine()}\nLoad average before the run: {load:.2f}.\n")
    print(compared_with_itself(arguments.rounds), flush=True)
    rows = measured(arguments.rounds)
    print(table(["scenario", "per CPU second", "with neither", "ratio", "quartiles"], rows))
    return 0


def compared_with_itself(rounds: int) -> str:
    """Return what observing costs warm small operations: the median over pairs of neighbouring stretches."""
    with tempfile.TemporaryDirectory(prefix="observability-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        command = (sys.executable, "-m", "bench.alternating", str(folder / STRETCHES), *GATEWAY.command[1:])
        stage = Stage(
            source,
            {OBSERVED.name: stack.enter_context(alone(replace(OBSERVED, command=command), source, folder))},
            tell,
        )
        stage.scenario(replace(WARM, contestants=(OBSERVED,)), rounds=rounds, seconds=SECONDS)
        lines = (folder / STRETCHES).read_text().splitlines()
    stretches = [
        (is_observed == "1", float(seconds) / int(replays)) for is_observed, seconds, replays in map(str.split, lines)
    ]
    pairs = [sorted((first, second)) for first, second in pairwise(stretches) if first[0] != second[0]]
    ratios = [observed / silent for (_, silent), (_, observed) in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    spread = f"quartiles {low - 1:+.1%} to {high - 1:+.1%}, {len(ratios)} pairs"
    return f"{WARM.title}: {middle - 1:+.1%} of the processor's time ({spread})\n"


def measured(rounds: int) -> Sequence[Sequence[str]]:
    with staged(OBSERVED, SILENT) as (stage, *_):
        both = [replace(scenario, contestants=(OBSERVED, SILENT)) for scenario in COUNTED]
        return [[scenario.title, *times(stage, scenario, rounds)] for scenario in both]


if __name__ == "__main__":
    sys.exit(main())

"""Where the gateway's time goes in one scenario: the same command under cProfile, under the same load.

python -m bench.profiling SCENARIO
"""

from __future__ import annotations

import io
import pstats
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.contestants import CONTESTANT_CORE, GATEWAY, LOAD_CORE, UPSTREAM_ITSELF, started
from bench.scenarios import SCENARIOS, Stage

SECONDS = 5
ROWS = 14


def profile(name: str) -> str:
    """The functions with the most time of their own, as text. The profiler itself slows Python code about twofold."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        stats = folder / "stats"
        under = (sys.executable, "-m", "bench.profiled", str(stats), *GATEWAY.command[1:])
        watched = replace(GATEWAY, command=under)
        with (
            started(UPSTREAM_ITSELF, "", folder, LOAD_CORE) as source,
            started(watched, source.address, folder, CONTESTANT_CORE) as gateway,
        ):
            stage = Stage(source, {GATEWAY.name: gateway}, lambda line: None)
            stage.scenario(replace(scenario, contestants=(watched,)), rounds=1, seconds=SECONDS)
        return _top(stats)


def _top(stats: Path) -> str:
    out = io.StringIO()
    pstats.Stats(str(stats), stream=out).sort_stats("tottime").print_stats(ROWS)
    lines = out.getvalue().splitlines()
    table = lines[next(at for at, line in enumerate(lines) if "tottime" in line) :]
    # Without the folders in front of a module's last two names: they are this machine's.
    return "\n".join(re.sub(r" /\S*/([^/\s]+/[^/\s]+)", r" \1", line) for line in table if line.strip())


if __name__ == "__main__":
    print(profile(sys.argv[1]))

"""What each cache layer is worth: the gateway without one of them after the other, in each scenario.

    python -m bench.ablation [--quick] [--out FILE]

A row is a layer that is switched off (`bench/ablated.py`), a column a scenario. What counts is the instructions of a
request (`bench/instructions.py`), and the memory after a time under load. `--quick` shows that all of it works, and its
figures of memory mean little.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.ablated import LAYERS, NOTHING
from bench.contestants import (
    CONTESTANT_CORE,
    GATEWAY,
    LOAD_CORE,
    UPSTREAM_ITSELF,
    Contestant,
    Running,
    missing_tools,
    started,
)
from bench.instructions import COUNTED, SAMPLES, TOOLS, counted
from bench.load import prime
from bench.operations import facts
from bench.report import machine, now
from bench.scenarios import USUAL, Stage

LITTLE = 0.05  # what a layer must be worth somewhere


@dataclass(frozen=True, slots=True)
class Extent:
    """For how many users the memory of a gateway is looked at, and for how many seconds at most."""

    users: int
    seconds: int


FULL = Extent(users=60_000, seconds=60)
QUICK = Extent(users=500, seconds=1)


@dataclass(frozen=True, slots=True)
class Found:
    """By layer: the instructions of a request, by scenario, and the most memory that was resident, in bytes."""

    instructions: Mapping[str, Mapping[str, float]]
    memory: Mapping[str, int]

    def gain(self, scenario: str, layer: str) -> float:
        """What the gateway gets done more with the layer, as a share of what it does without."""
        return self.instructions[layer][scenario] / self.instructions[NOTHING][scenario] - 1

    def saved(self, layer: str) -> float:
        """What it takes less of memory with the layer, as a share of what it takes without."""
        return 1 - self.memory[NOTHING] / self.memory[layer]

    def is_little(self, layer: str) -> bool:
        """Whether it is known to be worth less than LITTLE in every scenario."""
        return self.saved(layer) < LITTLE and all(self.gain(name, layer) < LITTLE for name in SAMPLES)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.ablation")
    parser.add_argument("--quick", action="store_true", help="to see that it works")
    parser.add_argument("--out", type=Path, help="where the report goes (default: standard output alone)")
    arguments = parser.parse_args()
    if missing := missing_tools(*TOOLS):
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    began, load = now(), os.getloadavg()[0]
    found = measured(QUICK if arguments.quick else FULL)
    command = " --quick" if arguments.quick else ""
    head = f"Written by `python -m bench.ablation{command}` on {began:%Y-%m-%d %H:%M} UTC. {machine()}"
    text = f"{head}\nLoad average before the run: {load:.2f}.\n\n{report(found)}"
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")
    return 0


def measured(extent: Extent) -> Found:
    lacking = {layer: without(layer) for layer in LAYERS}
    with tempfile.TemporaryDirectory(prefix="ablation-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        with contextlib.ExitStack() as together:
            _compare({who.name: together.enter_context(alone(who, source, folder)) for who in lacking.values()})
        instructions, memory = {}, {}
        for layer, who in lacking.items():
            instructions[layer] = counted(who, source, folder)
            memory[layer] = _most(who, source, folder / "fresh", extent)
            tell(f"without {layer}: {instructions[layer]}, {memory[layer] / 1e6:.0f} MB")
        return Found(instructions, memory)


def without(layer: str) -> Contestant:
    """The gateway of this tree, which lacks the layer."""
    name = layer.lower().replace(" ", "-")
    command = (sys.executable, "-m", "bench.ablated", layer, *GATEWAY.command[1:])
    return replace(GATEWAY, name=name, title=f"without {layer}", command=command)


def report(found: Found) -> str:
    names = [scenario.name for scenario in COUNTED]
    head = ["without", *(scenario.title for scenario in COUNTED), "memory"]
    base = [f"{found.instructions[NOTHING][name] / 1e3:,.0f} k" for name in names]
    rows = [[NOTHING, *base, f"{found.memory[NOTHING] / 1e6:.0f} MB"]]
    for layer in list(LAYERS)[1:]:
        gains = (found.gain(name, layer) for name in names)
        rows.append([layer, *map(_share, gains), _share(found.saved(layer))])
    little = [layer for layer in list(LAYERS)[1:] if found.is_little(layer)]
    return (
        "The first row is the instructions of a request, and the most memory; the others are how much more the gateway"
        " gets\ndone with the layer than without it, and how much less memory it takes.\n\n"
        f"{table(head, rows)}\n\nWorth less than {LITTLE:.0%} everywhere: {', '.join(little) or 'none'}.\n"
    )


def tell(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def alone(who: Contestant, source: Running, folder: Path) -> Iterator[Running]:
    """In a directory of its own."""
    own = folder / who.name
    own.mkdir(parents=True)
    with started(who, source.address, own, CONTESTANT_CORE) as running:
        yield running


def _compare(running: Mapping[str, Running]) -> None:
    """All must say the same, the first time and again. Raises RuntimeError."""
    user = USUAL.user(0)
    for name in ("small", "big"):
        answers = {who: [facts(prime(one, user, name)) for _ in range(2)] for who, one in running.items()}
        first, *_ = answers[NOTHING]
        if odd := [who for who, pair in answers.items() if pair != [first, first]]:
            raise RuntimeError(f"without {', '.join(odd)} the gateway gives another answer to the {name} operation")


def _most(who: Contestant, source: Running, folder: Path, extent: Extent) -> int:
    with alone(who, source, folder) as gateway:
        stage = Stage(source, {who.name: gateway}, tell)
        samples = stage.memory(gateway, users=extent.users, seconds=extent.seconds)
    return max(sample.resident for sample in samples)


def _share(value: float) -> str:
    return f"{value:+.0%}"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

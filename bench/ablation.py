"""What each cache layer is worth: the gateway without one of them after the other, in each scenario.

    python -m bench.ablation [--quick | --rounds N] [--out FILE]

A row is a layer that is switched off (`bench/ablated.py`), a column a scenario. Gateways take turns within each round,
and what counts is what each gets done for a second of the processor, compared with the one that lacks nothing: that is
true on a busy machine as well. `--quick` shows that all of it works, and its figures mean little.
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
from bench.load import Measured, prime
from bench.operations import facts
from bench.report import machine, now
from bench.scenarios import SCENARIOS, USUAL, Scenario, Stage

NAMES = ("warm_small", "warm_big", "mixed", "new_big", "cold_small", "cold_big")
LITTLE = 0.05  # what a layer must be worth somewhere


@dataclass(frozen=True, slots=True)
class Extent:
    """Seconds are per cell; `memory_seconds` bound the users of one gateway."""

    rounds: int
    seconds: int
    memory_users: int
    memory_seconds: int


FULL = Extent(rounds=5, seconds=3, memory_users=60_000, memory_seconds=60)
QUICK = Extent(rounds=1, seconds=3, memory_users=500, memory_seconds=1)


@dataclass(frozen=True, slots=True)
class Found:
    """By scenario and layer; `memory` is the most that was resident, in bytes, by layer."""

    cells: Mapping[str, Mapping[str, Measured]]
    memory: Mapping[str, int]

    def gain(self, scenario: str, layer: str) -> float | None:
        """What the gateway gets done more for its processor time with the layer, as a share of what it does without.

        None where the cell of one of them was over before its first answer.
        """
        cells = self.cells[scenario]
        whole, lacking = thrift(cells[NOTHING]), thrift(cells[layer])
        return whole / lacking - 1 if whole and lacking else None

    def saved(self, layer: str) -> float:
        """What it takes less of memory with the layer, as a share of what it takes without."""
        return 1 - self.memory[NOTHING] / self.memory[layer]

    def is_little(self, layer: str) -> bool:
        """Whether it is known to be worth less than LITTLE in every scenario."""
        gains = [self.gain(name, layer) for name in self.cells]
        return self.saved(layer) < LITTLE and all(gain is not None and gain < LITTLE for gain in gains)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.ablation")
    extents = parser.add_mutually_exclusive_group()
    extents.add_argument("--quick", action="store_true", help="seconds per cell, to see that it works")
    extents.add_argument("--rounds", type=int, default=FULL.rounds, help="of the whole run (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="where the report goes (default: standard output alone)")
    arguments = parser.parse_args()
    if missing := missing_tools():
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    extent = QUICK if arguments.quick else replace(FULL, rounds=arguments.rounds)
    began, load = now(), os.getloadavg()[0]
    found = measured(extent)
    command = "--quick" if arguments.quick else f"--rounds {extent.rounds}"
    head = f"Written by `python -m bench.ablation {command}` on {began:%Y-%m-%d %H:%M} UTC. {machine()}"
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
        running = {who.name: stack.enter_context(alone(who, source, folder)) for who in lacking.values()}
        _compare(running)
        stage = Stage(source, running, tell)
        cells = {}
        for scenario in scenarios(tuple(lacking.values())):
            found = stage.scenario(scenario, rounds=extent.rounds, seconds=extent.seconds)
            cells[scenario.name] = {layer: found[who.name] for layer, who in lacking.items()}
        stack.pop_all().close()
        source = stack.enter_context(started(UPSTREAM_ITSELF, "", folder, LOAD_CORE))
        memory = {layer: _most(who, source, folder / "fresh", extent) for layer, who in lacking.items()}
        return Found(cells, memory)


def without(layer: str) -> Contestant:
    """The gateway of this tree, which lacks the layer."""
    name = layer.lower().replace(" ", "-")
    command = (sys.executable, "-m", "bench.ablated", layer, *GATEWAY.command[1:])
    return replace(GATEWAY, name=name, title=f"without {layer}", command=command)


def thrift(cell: Measured) -> float:
    """Requests for each second of the processor."""
    return cell.rate / cell.busy if cell.busy else 0.0


def report(found: Found) -> str:
    titles = [scenario.title for scenario in scenarios(())]
    head = ["without", *titles, "memory"]
    base = [number(thrift(found.cells[name][NOTHING])) for name in found.cells]
    rows = [[NOTHING, *base, f"{found.memory[NOTHING] / 1e6:.0f} MB"]]
    for layer in list(LAYERS)[1:]:
        gains = (found.gain(name, layer) for name in found.cells)
        rows.append([layer, *map(_share, gains), _share(found.saved(layer))])
    little = [layer for layer in list(LAYERS)[1:] if found.is_little(layer)]
    return (
        "The first row is requests for each second of the processor, and the most memory; the others are how much more"
        " the gateway\ngets done with the layer than without it, and how much less memory it takes.\n\n"
        f"{table(head, rows)}\n\nWorth less than {LITTLE:.0%} everywhere: {', '.join(little) or 'none'}.\n"
    )


def tell(line: str) -> None:
    print(line, flush=True)


def scenarios(contestants: tuple[Contestant, ...]) -> list[Scenario]:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    return [replace(by_name[name], contestants=contestants) for name in NAMES]


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
        samples = stage.memory(gateway, users=extent.memory_users, seconds=extent.memory_seconds)
    return max(sample.resident for sample in samples)


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:+.0%}"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

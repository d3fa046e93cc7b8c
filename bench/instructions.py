"""Instructions of the processor per request, counted by valgrind: nearly the same on every run, on a busy machine too.

They leave out the kernel's part and the waits for memory, so they are no times; but they show a difference of a per
cent, which times on a shared machine do not.
"""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from bench.contestants import CONTESTANT_CORE, Contestant, Running, started
from bench.load import prime
from bench.operations import body
from bench.scenarios import SCENARIOS, USUAL

START_SECONDS = 240.0  # valgrind slows everything thirty times
REQUEST_SECONDS = 300
# The kinds of twenty requests of the scenario `mixed`, as in load.lua.
MIXED = (*14 * ("same_small",), *3 * ("same_big",), *2 * ("new_small",), "users_small")
TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """The kinds of a scenario's requests, and how many are sent before counting and while counting."""

    kinds: Sequence[str]
    before: int
    counted: int


SAMPLES: Mapping[str, Sample] = {
    "warm_small": Sample(("same_small",), 200, 300),
    "warm_big": Sample(("same_big",), 20, 60),
    "mixed": Sample(MIXED, 20, 60),
    "new_big": Sample(("new_big",), 5, 20),
    "cold_small": Sample(("users_small",), 20, 40),
    "cold_big": Sample(("users_big",), 3, 6),
}
COUNTED = tuple(scenario for scenario in SCENARIOS if scenario.name in SAMPLES)
TOOLS = ("wrk", "taskset", "valgrind")  # with those that the comparisons measure times and memory with


def counted(who: Contestant, source: Running, folder: Path) -> dict[str, float]:
    """Return the instructions of one request of `who`, by scenario. One request follows the other."""
    own = folder / f"{who.name}-counted"
    own.mkdir(parents=True)
    output = own / "callgrind"
    valgrind = ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}")
    watched = replace(who, command=(*valgrind, *_as_python(who.command)))
    with started(watched, source.address, own, CONTESTANT_CORE, START_SECONDS) as running:
        for name in ("small", "big"):
            prime(running, USUAL.user(0), name)
        serials = count(1)
        return {name: _of_scenario(running, sample, serials, output) for name, sample in SAMPLES.items()}


def _as_python(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command with its interpreter in front: valgrind does not follow a script's first line."""
    return command if command[0] == sys.executable else (sys.executable, *command)


def _of_scenario(running: Running, sample: Sample, serials: Iterator[int], output: Path) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=REQUEST_SECONDS)
    bodies = _bodies(running.contestant, sample.kinds, serials)
    _send(connection, bodies, sample.before)
    _control(running, "--instr=on")
    _send(connection, bodies, 2)
    _control(running, "--zero")
    _send(connection, bodies, sample.counted)
    _control(running, "--dump")
    _control(running, "--instr=off")
    connection.close()
    return _total(output) / sample.counted


def _bodies(who: Contestant, kinds: Sequence[str], serials: Iterator[int]) -> Iterator[bytes]:
    for serial in serials:
        # Seven has no divisor in common with twenty, so the kinds are well mixed.
        how, name = kinds[serial * 7 % len(kinds)].split("_")
        user = USUAL.user(serial if how == "users" else 0)
        yield body(who.dialect, name, user, alias=f"r{serial}" if how == "new" else "user")


def _send(connection: http.client.HTTPConnection, bodies: Iterator[bytes], times: int) -> None:
    for _ in range(times):
        connection.request("POST", "/graphql", next(bodies), {"content-type": "application/json"})
        answer = connection.getresponse().read()
        if b'"errors"' in answer[:200]:
            raise RuntimeError(f"an answer with errors: {answer[:200]!r}")


def _control(running: Running, what: str) -> None:
    command = ["callgrind_control", what, str(running.process.pid)]
    subprocess.run(command, capture_output=True, timeout=REQUEST_SECONDS, check=True)


def _total(output: Path) -> int:
    """Return the instructions of the only dump so far, and delete it."""
    dumps = [path for path in output.parent.glob(f"{output.name}.*") if path.stat().st_size]
    totals = [int(found[1]) for path in dumps if (found := TOTAL.search(path.read_text(errors="replace")))]
    for path in dumps:
        path.unlink()
    return max(totals, default=0)

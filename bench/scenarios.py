"""What is measured: cells of load, and the four measurements that are not one cell each."""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from bench.contestants import GATEWAY, HANDWRITTEN, PEER_LIST, RAW, Contestant, Running
from bench.load import CROWD, Generator, Load, Measured, herd, prime, typical
from bench.operations import GRAPH, body
from bench.processes import resident
from bench.world import Shape

USUAL = Shape(30, 40)
LITTLE = Shape(2, 1)
COLD_MS = 30
HERD = 50
# Serial numbers that the generator does not come to.
FIRST_IN_HERD, FIRST_GROWN = 9_000_000, 9_500_000
GROWTH = (Shape(1, 1), Shape(1, 100), Shape(10, 10), Shape(100, 1), Shape(10, 100), Shape(100, 10), Shape(100, 100))
MEMORY_USERS = 200_000
MEMORY_SLICE_SECONDS = 5
SETTLE_SECONDS = 0.3
LEAST_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cell for each of its contestants, in each round.

    `latency` is the upstream's, in milliseconds. `patience` lengthens the cells where few requests fit into a second.
    """

    name: str
    title: str
    kind: str
    connections: int
    latency: int
    contestants: tuple[Contestant, ...]
    patience: int = 1


SCENARIOS = (
    Scenario("warm_small", "warm small", "same_small", 32, 0, (RAW, *PEER_LIST)),
    Scenario("warm_big", "warm big", "same_big", 8, 0, (RAW, *PEER_LIST)),
    Scenario("new_big", "entities warm, operation new, big", "new_big", 8, 0, PEER_LIST),
    Scenario("cold_small", "cold small", "users_small", 32, COLD_MS, PEER_LIST),
    Scenario("cold_big", "cold big", "users_big", 8, COLD_MS, PEER_LIST, patience=2),
    Scenario("alone", "cold big, alone", "users_big", 1, COLD_MS, (*PEER_LIST, HANDWRITTEN)),
    Scenario("mixed", "mixed", "mixed", 16, 0, PEER_LIST),
)


@dataclass(frozen=True, slots=True)
class Herd:
    calls: int
    billed: int


@dataclass(frozen=True, slots=True)
class Grown:
    """Milliseconds of one request alone: entities warm under a new operation, and cold with an upstream of 0 ms."""

    shape: Shape
    warm: float
    cold: float


@dataclass(frozen=True, slots=True)
class Sample:
    users: int
    resident: int


Told = Callable[[str], None]


class Stage:
    """All contestants, running."""

    def __init__(self, upstream: Running, running: dict[str, Running], tell: Told) -> None:
        self.upstream = upstream
        self.running = running
        self.generator = Generator(upstream)
        self.tell = tell

    def latency(self, milliseconds: int) -> None:
        self._upstream(f"latency/{milliseconds}")

    def calls(self) -> Herd:
        """What the upstream has been asked since the last such question."""
        counts = json.loads(self._upstream("calls"))
        return Herd(counts["calls"], counts["billed"])

    def scenario(self, scenario: Scenario, *, rounds: int, seconds: int) -> dict[str, Measured]:
        """The median of the rounds, by contestant."""
        self.latency(scenario.latency)
        load = Load(scenario.kind, scenario.connections, seconds * scenario.patience, USUAL, USUAL)
        measured: dict[str, list[Measured]] = {who.name: [] for who in scenario.contestants}
        for _ in range(rounds):
            for who in scenario.contestants:
                measured[who.name].append(self._cell(self.running[who.name], load))
        return {name: median(cells) for name, cells in measured.items()}

    def pairs(self, scenario: Scenario, *, pairs: int, seconds: int) -> list[tuple[Measured, Measured]]:
        """Cells of the two contestants, which take turns in going first."""
        self.latency(scenario.latency)
        load = Load(scenario.kind, scenario.connections, seconds * scenario.patience, USUAL, USUAL)
        first, second = (self.running[who.name] for who in scenario.contestants)
        measured = []
        for turn in range(pairs):
            cells = [self._cell(who, load) for who in ((second, first) if turn % 2 else (first, second))]
            measured.append((cells[turn % 2], cells[1 - turn % 2]))
        return measured

    def herds(self) -> dict[tuple[str, str], Herd]:
        """By contestant and operation: calls that fifty identical cold operations at once made."""
        self.latency(COLD_MS)
        herds = {}
        for serial, (who, name) in enumerate((who, name) for who in PEER_LIST for name in ("small", "big")):
            time.sleep(SETTLE_SECONDS)  # what the load before it left behind would be counted as its own
            self.calls()
            herd(self.running[who.name], name, USUAL.user(FIRST_IN_HERD + serial), HERD)
            herds[who.name, name] = self.calls()
            self.tell(f"herd: {who.name} {name} {herds[who.name, name]}")
        return herds

    def growth(self, *, seconds: float) -> list[Grown]:
        """Of the gateway, one request at a time, each measurement for so many seconds, with an upstream of 0 ms."""
        self.latency(0)
        url = self.running[GATEWAY.name].url
        grown = []
        for shape in GROWTH:
            prime(self.running[GATEWAY.name], shape.user(0), "big")
            aliases = (body(GRAPH, "big", shape.user(0), alias=f"r{turn}") for turn in count())
            users = (body(GRAPH, "big", shape.user(FIRST_GROWN + turn)) for turn in count())
            grown.append(Grown(shape, warm=typical(url, aliases, seconds), cold=typical(url, users, seconds)))
            self.tell(f"growth: {grown[-1]}")
        return grown

    def memory(self, gateway: Running, *, users: int, seconds: int) -> list[Sample]:
        """Users seen and bytes in memory while a fresh gateway serves ever new users, for at most `seconds`."""
        self.latency(0)
        samples = [Sample(0, resident(gateway.process.pid))]
        deadline = time.monotonic() + seconds
        while samples[-1].users < users and time.monotonic() < deadline:
            load = Load("crowd_small", 4, MEMORY_SLICE_SECONDS, LITTLE, LITTLE)
            served = self.generator.run(gateway, load).requests * CROWD
            samples.append(Sample(samples[-1].users + served, resident(gateway.process.pid)))
            self.tell(f"memory: {samples[-1].users} users, {samples[-1].resident / 1e6:.0f} MB")
        return samples

    def upstream_rate(self) -> float:
        """Calls a second that the upstream answers to wrk, both on one core: the least it can do."""
        self.latency(0)
        return self.generator.bare(f"/v1/highlight/by/url?url=%2F{USUAL.user(0)}000%2F")

    def _cell(self, running: Running, load: Load) -> Measured:
        """Primed, so that what is repeated is warm. Raises RuntimeError where requests failed."""
        time.sleep(SETTLE_SECONDS)
        sizes = {
            name: len(prime(running, shape.user(0), name)) for name, shape in (("small", load.small), ("big", load.big))
        }
        cell = self.generator.run(running, load)
        self.tell(
            f"{load.kind:12}{running.contestant.name:12}{cell.rate:10.1f}/s  p50 {cell.p50:8.1f}  p99 {cell.p99:8.1f}"
            f" ms  busy {cell.busy:4.0%}, load {cell.load_busy:4.0%}, failed {cell.failed}"
        )
        # An answer with errors has status 200, but nothing of the size of the data.
        least = LEAST_SHARE * sizes.get(load.kind.partition("_")[2], 0)
        if cell.failed or cell.bytes_each < least:
            raise RuntimeError(f"{running.contestant.title}, {load.kind}: some of {cell.requests} requests failed")
        return cell

    def _upstream(self, what: str) -> bytes:
        url = f"{self.upstream.address}/bench/{what}"
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (loopback)
            return bytes(response.read())


def median(cells: Iterable[Measured]) -> Measured:
    """Of each figure by itself."""
    cells = list(cells)
    return Measured(*(statistics.median(values) for values in zip(*map(_figures, cells), strict=True)))


def _figures(cell: Measured) -> tuple[float, ...]:
    return (
        *(cell.rate, cell.p50, cell.p99, cell.bytes_each),
        *(cell.requests, cell.failed, cell.busy, cell.load_busy),
    )

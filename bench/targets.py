"""What was to be reached, as ratios within one run, and what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import attacks, large_pages, limits, steps
from bench.contestants import GATEWAY, HANDWRITTEN, OBVIOUS, PEER_LIST, RAW
from bench.load import Measured
from bench.scenarios import Grown, Herd, Sample
from bench.world import Shape

CACHE_BYTES = 256 * 2**20  # the default of GATEWAY_CACHE_BYTES
HEADROOM_BYTES = 150 * 10**6
FLAT_SHARE = 0.25
UNPROFILED = frozenset({"memory", "limits", "attacks", "large_pages", "steps"})  # no cells of load
NODES = tuple(peer.name for peer in PEER_LIST if peer.is_node)

Cells = Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True, slots=True)
class Results:
    """`rates` of one run: cells by scenario and contestant, and the rest."""

    cells: Cells
    herds: Mapping[tuple[str, str], Herd]
    growth: Sequence[Grown]
    memory: Sequence[Sample]
    peaks: Mapping[str, int]
    upstream_rate: float
    refusals: Mapping[str, float]
    attacks: Mapping[str, attacks.Felt]
    large_pages: Mapping[str, large_pages.Measured]
    steps: steps.Steps


@dataclass(frozen=True, slots=True)
class Target:
    """`wanted` is a bound; `got` is measured in the same unit. `scenario` is what to profile where it is missed."""

    scenario: str
    text: str
    wanted: float
    got: float
    at_most: bool = False

    @property
    def is_reached(self) -> bool:
        return self.got <= self.wanted if self.at_most else self.got >= self.wanted


def targets(results: Results) -> list[Target]:
    cells = results.cells
    alone = cells["alone"]
    mixed = cells["mixed"][GATEWAY.name]
    return [
        Target("warm_small", "warm small: share of raw uvicorn", 0.6, over(cells["warm_small"], RAW.name)),
        Target("warm_small", "warm small: times the best Node peer", 5, over_best_node(cells["warm_small"])),
        Target("warm_big", "warm big: share of raw uvicorn", 0.7, over(cells["warm_big"], RAW.name)),
        Target("warm_big", "warm big: times the best Node peer", 20, over_best_node(cells["warm_big"])),
        Target("new_big", "entities warm, operation new: times Strawberry", 8, over(cells["new_big"], OBVIOUS.name)),
        Target(
            "new_big", "entities warm, operation new: times the best Node peer", 2, over_best_node(cells["new_big"])
        ),
        Target("cold_big", "cold big: times Strawberry", 5, over(cells["cold_big"], OBVIOUS.name)),
        Target("cold_big", "cold big: times the best Node peer", 1.5, over_best_node(cells["cold_big"])),
        Target("cold_big", "cold big: p50 of the best Node peer over ours", 1.5, faster_than_nodes(cells["cold_big"])),
        Target(
            "alone",
            "cold big, alone: p50 over the hand-written program's",
            1.15,
            alone[GATEWAY.name].p50 / alone[HANDWRITTEN.name].p50,
            at_most=True,
        ),
        *(_growth(results.growth, kind, scenario) for kind, scenario in (("warm", "new_big"), ("cold", "cold_big"))),
        *_memory(results.memory),
        Target("mixed", "mixed: p99 over p50", 5, mixed.p99 / mixed.p50, at_most=True),
        Target("limits", "the dearest refusal, in ms", limits.TARGET, max(results.refusals.values()), at_most=True),
        Target(
            "attacks",
            "the longest wait of others under attack, in ms",
            attacks.TARGET,
            max(felt.wait for felt in results.attacks.values()),
            at_most=True,
        ),
        Target(
            "large_pages",
            "pages of 1.5 MB, ten a second: the longest stall of the event loop, in ms",
            large_pages.TARGET,
            max(one.wall for one in results.large_pages.values()),
            at_most=True,
        ),
        Target("steps", "a step of a flow, on SQLite: p50, in ms", steps.TARGET, results.steps.p50, at_most=True),
    ]


def over(cells: Mapping[str, Measured], name: str) -> float:
    return cells[GATEWAY.name].rate / cells[name].rate


def over_best_node(cells: Mapping[str, Measured]) -> float:
    return cells[GATEWAY.name].rate / max(cells[name].rate for name in NODES)


def faster_than_nodes(cells: Mapping[str, Measured]) -> float:
    return min(cells[name].p50 for name in NODES) / cells[GATEWAY.name].p50


def _growth(growth: Sequence[Grown], kind: str, scenario: str) -> Target:
    """10,000 items against 100, in highlights of the same size."""
    each: dict[Shape, float] = {grown.shape: getattr(grown, kind) / grown.shape.total for grown in growth}
    ratio = each[Shape(100, 100)] / each[Shape(1, 100)]
    return Target(scenario, f"growth, {kind}: time per item at 10,000 items over 100", 1.3, ratio, at_most=True)


def _memory(samples: Sequence[Sample]) -> list[Target]:
    peak = max(sample.resident for sample in samples)
    bound = (CACHE_BYTES + HEADROOM_BYTES) / 1e6
    last = [sample for sample in samples if sample.users >= (1 - FLAT_SHARE) * samples[-1].users]
    grown = (last[-1].resident - last[0].resident) / 1e6
    return [
        Target("memory", f"memory, {samples[-1].users:,} users: most, in MB", bound, peak / 1e6, at_most=True),
        Target("memory", "memory: growth over the last quarter of these users, in MB", 10, grown, at_most=True),
    ]


def reasons(results: Results) -> dict[str, str]:
    """What a profile does not show, by the scenario whose target is missed."""
    big, alone = results.cells["warm_big"], results.cells["alone"]
    limit = big[RAW.name].rate / max(big[name].rate for name in NODES)
    return {
        "warm_big": (
            f"Raw uvicorn itself serves these bytes {limit:.1f} times as often as the best Node peer, and wrk with the "
            f"upstream is busy {big[GATEWAY.name].load_busy:.0%} of the time while the gateway does: what runs behind "
            "uvicorn cannot be faster."
        ),
        "alone": (
            f"60 of the {alone[GATEWAY.name].p50:.0f} ms are the upstream's two waits. The gateway itself worked "
            f"{work(alone[GATEWAY.name]):.0f} ms for each answer, the hand-written program "
            f"{work(alone[HANDWRITTEN.name]):.0f}: that one decodes eight fields of an item and keeps nothing; the "
            "gateway reads and checks all that may be asked for, reserves and books each call, looks for the expiry of "
            "every URL, and keeps each entry and the answer."
        ),
    }


def work(cell: Measured) -> float:
    """Milliseconds of the processor for each request."""
    return cell.busy * 1000 / cell.rate


def missed(found: Sequence[Target]) -> list[str]:
    """The scenarios of missed targets that can be profiled, each once."""
    names = [target.scenario for target in found if not target.is_reached and target.scenario not in UNPROFILED]
    return list(dict.fromkeys(names))

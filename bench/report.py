"""bench/README.md, from one run's results."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import attacks, large_pages, limits, steps
from bench.contestants import HANDWRITTEN, PEER_LIST, RAW
from bench.load import CROWD, Measured
from bench.scenarios import COLD_MS, HERD, SCENARIOS, USUAL
from bench.targets import Results, Target, reasons

ROWS = (RAW, *PEER_LIST, HANDWRITTEN)
COUNTED = ("warm_small", "warm_big", "new_big", "cold_small", "cold_big", "mixed")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When and how a run was made. `load` is the machine's one-minute load average before it."""

    began: datetime
    command: str
    rounds: int
    seconds: int
    minutes: float
    load: float


def report(results: Results, found: Sequence[Target], profiles: Mapping[str, str], how: Circumstances) -> str:
    parts = [
        _head(how),
        _targets(found),
        _profiles(profiles, reasons(results)),
        _rates(results),
        _thrift(results),
        _latencies(results),
        _herds(results),
        _growth(results),
        _memory(results),
        _limits(results),
        _attacks(results),
        _large_pages(results),
        _steps(results),
        _load(results),
        _setups(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(how: Circumstances) -> str:
    calls = USUAL.highlights + 1
    return f"""# Side by side

Written by `{how.command}` on {how.began:%Y-%m-%d %H:%M} UTC; it took {how.minutes:.0f} minutes. {machine()}
Load average before the run: {how.load:.2f}.

One worker each, on one core; wrk and the upstream share the other. One account has {USUAL.highlights} highlights of
{USUAL.items} items; *small* is its tray (20 kB, 1 upstream call), *big* the tray with all items, 8 fields each
(1.35 MB, {calls} calls). Warm: the upstream answers at once; cold: a new account per request, the upstream takes
{COLD_MS} ms and any rate. *Mixed* is of twenty requests fourteen small and three big ones that
were asked before, two small ones under a new operation and one small one for a new account. Before anything is measured
all contestants are asked the same and must say the same. Figures are medians of {how.rounds} rounds of {how.seconds} s,
the contestants taking turns within each round. Ratios within one run are what counts: absolute figures are this
machine's on that day."""


def machine() -> str:
    model = next(
        (line.partition(":")[2].strip() for line in _read("/proc/cpuinfo").splitlines() if "model name" in line), "?"
    )
    cores = _read("/proc/cpuinfo").count("processor\t")
    return (
        f"Machine: {cores} cores of {model}, {platform.system()} {platform.release().partition('-')[0]}; "
        f"CPython {platform.python_version()}, Node {_node()}."
    )


def _targets(found: Sequence[Target]) -> str:
    rows = [
        f"| {target.text} | {'at most' if target.at_most else 'at least'} {target.wanted:g} | {target.got:.2f} "
        f"| {'reached' if target.is_reached else '**missed**'} |"
        for target in found
    ]
    return _table("## Targets", ["target", "wanted", "got", ""], rows)


def _profiles(profiles: Mapping[str, str], known: Mapping[str, str]) -> str:
    if not profiles:
        return ""
    parts = []
    for name, text in profiles.items():
        reason = f"{known[name]}\n\n" if name in known else ""
        parts.append(f"### {_title(name)}\n\n{reason}```\n{text}\n```")
    lead = "The gateway's own time where a target is missed, under cProfile, which slows Python about twofold."
    return "\n\n".join(["## Why", lead, *parts])


def _rates(results: Results) -> str:
    rows = [
        f"| {who.title} | "
        + " | ".join(_figure(results.cells[name].get(who.name), "rate") for name in COUNTED)
        + f" | {results.peaks[who.name] / 1e6:.0f} |"
        for who in ROWS
    ]
    head = ["requests/s", *(_title(name) for name in COUNTED), "most memory, MB"]
    return _table("## Throughput", head, rows)


def _thrift(results: Results) -> str:
    rows = [
        f"| {who.title} | " + " | ".join(_per_second(results.cells[name].get(who.name)) for name in COUNTED) + " |"
        for who in ROWS
    ]
    lead = "Requests for each second of processor time that a contestant got: true on a busy machine as well."
    return _table(f"## Thrift\n\n{lead}", ["requests/CPU s", *(_title(name) for name in COUNTED)], rows)


def _latencies(results: Results) -> str:
    names = [scenario.name for scenario in SCENARIOS]
    rows = [
        f"| {who.title} | " + " | ".join(_pair(results.cells[name].get(who.name)) for name in names) + " |"
        for who in ROWS
    ]
    head = ["p50 / p99, ms", *(f"{scenario.title} ({scenario.connections} at once)" for scenario in SCENARIOS)]
    return _table("## Latency", head, rows)


def _herds(results: Results) -> str:
    rows = []
    for who in PEER_LIST:
        small, big = (results.herds[who.name, name] for name in ("small", "big"))
        rows.append(f"| {who.title} | {small.calls} / {small.billed} | {big.calls} / {big.billed} |")
    ideal = f"| the least possible | 1 / 2 | {USUAL.highlights + 1} / {USUAL.highlights + 2} |"
    head = ["upstream calls / billed requests", "small", "big"]
    return _table(f"## Herd: {HERD} identical cold operations at once", head, [*rows, ideal])


def _growth(results: Results) -> str:
    rows = [
        f"| {grown.shape.highlights} x {grown.shape.items} | {grown.warm:.2f} | {_each(grown.warm, grown.shape.total)} "
        f"| {grown.cold:.2f} | {_each(grown.cold, grown.shape.total)} |"
        for grown in results.growth
    ]
    head = ["highlights x items", "new operation, warm, ms", "us per item", "cold, upstream 0 ms, ms", "us per item"]
    return _table("## Growth: the gateway, one request at a time", head, rows)


def _memory(results: Results) -> str:
    samples = results.memory
    step = max(1, len(samples) // 12)
    shown = [*samples[:-1:step], samples[-1]]
    rows = [f"| {sample.users:,} | {sample.resident / 1e6:.0f} |" for sample in shown]
    head = ["distinct users served", "resident, MB"]
    title = f"## Memory: a fresh gateway, ever new users, {CROWD} in each operation"
    return _table(title, head, rows)


def _limits(results: Results) -> str:
    return f"## Limits: documents that are refused\n\n{limits.table(results.refusals)}"


def _attacks(results: Results) -> str:
    lead = "A prober of `/healthz`, while each is run against a gateway that takes everybody for its client."
    return f"## Attacks: how long others wait\n\n{lead}\n\n{attacks.table(results.attacks)}"


def _large_pages(results: Results) -> str:
    lead = "The gateway's event loop while it buys pages of a hashtag, each of another one: how late its timer comes."
    title = "## Large pages: `python -m bench.large_pages`"
    return f"{title}\n\n{lead}\n\n{large_pages.table(results.large_pages)}"


def _steps(results: Results) -> str:
    found = results.steps
    lines = (steps.line("step", found.step), steps.line("disk", found.disk))
    lead = "A step of a flow that does nothing, on SQLite, and what the disk alone takes to say that it has written."
    return "\n".join(["## Steps of flows: `python -m bench.steps`", "", lead, "", "```", *lines, "```"])


def _load(results: Results) -> str:
    calls = max(cell.rate for cell in results.cells["cold_big"].values()) * (USUAL.highlights + 1)
    rows = [
        f"| {scenario.title} | " + " | ".join(_busy(results.cells[scenario.name].get(who.name)) for who in ROWS) + " |"
        for scenario in SCENARIOS
    ]
    lead = (
        f"The upstream answers {results.upstream_rate:,.0f} calls of 57 kB a second while it shares its core with wrk; "
        f"cold big asked for {calls:,.0f} at the most. Below, the share of its core that each contestant used, and wrk "
        "with the upstream on theirs: the load is the bottleneck where the second is near 100 % and the first is not. "
        "Where neither is, somebody else used the machine."
    )
    return _table(f"## Who was busy\n\n{lead}", ["contestant / load", *(who.title for who in ROWS)], rows)


def _setups() -> str:
    return "\n".join(["## Set-ups", "", *(f"- **{who.title}**: {who.setup}" for who in ROWS)])


def _table(title: str, head: Sequence[str], rows: Sequence[str]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join([title, "", f"| {' | '.join(head)} |", rule, *rows])


def _figure(cell: Measured | None, name: str) -> str:
    return "" if cell is None else _number(getattr(cell, name))


def _per_second(cell: Measured | None) -> str:
    return "" if cell is None else _number(cell.rate / cell.busy)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _pair(cell: Measured | None) -> str:
    return "" if cell is None else f"{_figure(cell, 'p50')} / {_figure(cell, 'p99')}"


def _busy(cell: Measured | None) -> str:
    return "" if cell is None else f"{cell.busy:.0%} / {cell.load_busy:.0%}"


def _each(milliseconds: float, items: int) -> str:
    return f"{milliseconds * 1000 / items:.1f}"


def _title(name: str) -> str:
    return next(scenario.title for scenario in SCENARIOS if scenario.name == name)


def _node() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")


def _read(path: str) -> str:
    return Path(path).read_text()


def now() -> datetime:
    return datetime.now(UTC)

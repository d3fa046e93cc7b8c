"""One run of a stack under load: faults one after the other, and in the end what was spent and published is counted."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from gateway.clients.editing import add_key
from gateway.domain.rights import Right
from gateway.domain.window import Window
from tests.chaos import fault_profiles
from tests.chaos.clients import Clients
from tests.chaos.commands import Order, drawn
from tests.chaos.invariants import flaws
from tests.chaos.load_run import failures, place, tray, until_ended
from tests.chaos.upstream import Upstream
from tests.commands.process import run
from tests.stack.disks import small_disk
from tests.stack.faults import EXPECTED, Figures, faults, suffer
from tests.stack.load import NO_ANSWER, Readers, fail_upstream
from tests.stack.stack import Ports, Stack, data_directory, stack

# Seconds beyond the fault: a gateway waits this long for an upstream that does not answer, and repeats the call.
SLOW = 30.0
READER, PUBLISHER, LIMITED = "reader", "publisher", "limited"
AMPLE = 100_000
# Of accounts that nobody else asks for.
FIRST_OF_LIMITED = 8_000_000_000


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """`seconds` is how long each fault lasts, `quiet` the time before each, `patience` until all must be well again."""

    seconds: float = 30.0
    quiet: float = 10.0
    patience: float = 120.0
    orders: int = 60
    allowance: int = 200
    """Of a client that spends all of it, and asks for more."""
    seed: int = 1
    only: str = ""
    """Faults with this in their name."""


@dataclass(slots=True)
class Result:
    rows: list[Figures] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    billed: int = 0
    recorded: int = 0
    """Billed requests in the ledger, of which some may not have been made: a killed process loses its idle blocks."""
    orders: int = 0
    spent: int = 0
    """Of the allowance of the client that spends all of it."""


class Front:
    """nginx, as the clients of `tests.chaos` know a gateway."""

    is_ready = True

    def __init__(self, url: str) -> None:
        self.url = url

    def kill(self, where: str) -> None:
        """Nothing: no order of these runs asks for it."""


async def run_faults(plan: FaultPlan, folder: Path, report: Callable[[Figures], None] = lambda row: None) -> Result:
    """`report` is told the figures of each fault as soon as there are any."""
    clients = folder / "clients.toml"
    # Of a client without an allowance nothing is leased, so that a killed process loses what it spent in a second.
    ample = {Window.DAY: AMPLE}
    reader = add_key(clients, READER, allowance=ample, ceiling=None, rights=[Right.READ])
    publisher = add_key(clients, PUBLISHER, allowance=ample, ceiling=None, rights=[Right.READ, Right.WRITE])
    limit = {Window.DAY: plan.allowance}
    limited = add_key(clients, LIMITED, allowance=limit, ceiling=None, rights=[Right.READ])
    result = Result()
    more = {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_HIKERAPI_RATE": "1000", "GATEWAY_PLATFORM_TIMEOUT": "3"}
    disk = data_directory(folder / "stack", 0)
    with small_disk(disk) as is_small, stack(folder / "stack", Ports.free(3), **more) as made:
        upstream = Upstream(made.sandbox)
        await upstream.let_publish(1_000_000)
        await fail_upstream(upstream, fault_profiles.PLATFORM, plan.seed)
        chosen = [fault for fault in faults(made, disk if is_small else None) if plan.only in fault.name]
        timeout = plan.seconds + plan.patience
        readers = Readers(made.url, reader, timeout=timeout, seed=plan.seed)
        spender = Readers(made.url, limited, timeout=timeout, seed=plan.seed, number=1, first=FIRST_OF_LIMITED)
        dice = random.Random(plan.seed)
        orders = _orders(plan, dice)
        publishing = Clients([Front(made.url)], upstream, dice, key=publisher)
        async with _under_load(
            [readers, spender], publishing, orders, len(chosen) * (plan.quiet + plan.seconds)
        ) as placing:
            for fault in chosen:
                await asyncio.sleep(plan.quiet)
                row = await suffer(made, readers, fault, seconds=plan.seconds, patience=plan.patience)
                result.rows.append(row)
                result.problems += _problems(row, plan)
                report(row)
            await asyncio.wait_for(placing, timeout)
            await upstream.play((), plan.seed)
            await asyncio.wait_for(until_ended(publishing, orders), timeout)
        result.problems += await _publications(publishing, upstream, made, orders)
        await publishing.aclose()
        await upstream.aclose()
        result.orders = len(orders)
        result.problems += _ends(made)
        recorded = _recorded(made)
        result.billed, result.recorded = await _billed(made), recorded.total()
    if not result.billed <= result.recorded:
        result.problems.append(f"{result.billed} requests were billed, and {result.recorded} recorded")
    result.spent = sum(outcome.charged for outcome in spender.outcomes)
    if not result.spent <= recorded[LIMITED] <= plan.allowance:
        result.problems.append(f"of {plan.allowance} {result.spent} were charged, and {recorded[LIMITED]} recorded")
    return result


def _orders(plan: FaultPlan, dice: random.Random) -> list[Order]:
    orders = drawn(plan.orders, dice)
    for order in orders:
        order.kills = False
    return orders


@contextlib.asynccontextmanager
async def _under_load(
    readers: Sequence[Readers], publishing: Clients, orders: Sequence[Order], seconds: float
) -> AsyncIterator[asyncio.Task[None]]:
    """Yield the task of the orders, which come over so many seconds."""
    reading = [asyncio.create_task(one.read()) for one in readers]
    placing = asyncio.create_task(place(publishing, orders, seconds))
    try:
        yield placing
    finally:
        for task in (*reading, placing):
            task.cancel()
        await asyncio.gather(*reading, placing, return_exceptions=True)


def _problems(row: Figures, plan: FaultPlan) -> Iterator[str]:
    """Yield what must not happen: an operation that waits longer than the fault, or an error that nobody expects."""
    if row.slowest > plan.seconds + SLOW:
        yield f"{row.name}: an operation took {row.slowest:.1f} s"
    if strange := row.codes.keys() - EXPECTED - {NO_ANSWER}:
        yield f"{row.name}: operations were told {', '.join(sorted(strange))}"


async def _publications(publishing: Clients, upstream: Upstream, made: Stack, orders: Sequence[Order]) -> list[str]:
    """Return a sentence for each order that was not carried out exactly once, as it was placed."""
    found = await failures(publishing, orders)
    published = await upstream.made()
    shown = await tray(publishing, Front(made.direct(0)))
    return [*found, *flaws(orders, published, shown, idempotent=True), *publishing.wrong]


def _ends(made: Stack) -> Iterator[str]:
    """End the gateways, which then hand back what they have leased and not spent."""
    for member in made.gateways:
        if (code := member.end()) != 0:
            yield f"{member.name} ended with {code}: {member.last_lines(5)}"


async def _billed(made: Stack) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return int((await client.get(f"{made.sandbox}/_control/meter")).json()["total_billed"])


def _recorded(made: Stack) -> Counter[str]:
    """Return what the ledger says, by client."""
    found: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(run("ledger", "--csv", **made.settings[0]).stdout)):
        found[row["client"]] += int(row["billed"])
    return found

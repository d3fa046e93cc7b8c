"""A storm over whole processes: orders come, the upstream fails, gateways are killed, and in the end all is counted."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.clients import ENDED, Clients, Entrance
from tests.chaos.commands import ACCOUNT, Order
from tests.chaos.gateways import Gateway
from tests.chaos.harness import House, Plan, house
from tests.chaos.invariants import doubled, flaws, leaks, spooled

PAGE = 25


@dataclass(slots=True)
class Tally:
    """What came of it. `problems` is empty if all is well; `doubled` counts what was reported as a double, too."""

    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    failed_calls: int = 0
    requests: int = 0
    adopted: int = 0
    doubled: int = 0


async def storm(plan: Plan, orders: Sequence[Order], folder: Path) -> Tally:
    tally = Tally()
    async with house(plan, folder) as made:
        began = time.monotonic()
        await made.storm()
        killing = asyncio.create_task(_kill_at_random(made.gateways, plan))
        try:
            async with asyncio.timeout(plan.limit):
                await place(made.clients, orders, plan.seconds)
                await killing
                await until_ended(made.clients, orders)
        except TimeoutError:
            tally.problems.append("it took too long")
        killing.cancel()
        tally.seconds = time.monotonic() - began
        await _count(tally, made, orders)
    tally.problems += leaks(made.folders, made.logs() | {"answers": "\n".join(made.clients.heard)}, made.secrets)
    return tally


async def place(clients: Clients, orders: Sequence[Order], seconds: float) -> None:
    """One after the other, spread over so many seconds; until each is carried out."""
    gap = seconds / len(orders)
    await asyncio.gather(*(clients.serve(order, number * gap) for number, order in enumerate(orders)))


async def until_ended(clients: Clients, orders: Sequence[Order]) -> None:
    """Also those whose clients have walked away."""
    left = list(orders)
    while left:
        flows = await clients.flows(left[:PAGE])
        left = [order for order in left if flows.get(order.number, {}).get("state") not in ENDED]
        await asyncio.sleep(0.2)


async def _kill_at_random(gateways: Sequence[Gateway], plan: Plan) -> None:
    """Each has worked for a while when it dies: how starts end is another matter."""
    dice = random.Random(plan.seed + 1)
    for _ in range(plan.random_kills):
        await asyncio.sleep(dice.uniform(0.2, 1.8) * plan.seconds / plan.random_kills)
        victim = dice.choice(gateways)
        await victim.ready()
        await asyncio.sleep(dice.uniform(0.0, 1.0))
        victim.kill("at random")


async def _count(tally: Tally, made: House, orders: Sequence[Order]) -> None:
    storming = list(made.gateways)
    # Now, as their logs ahead of the databases are emptied when they end in peace.
    tally.problems += leaks(made.folders, {}, made.secrets)
    last = await made.last()
    tally.problems += await failures(made.clients, orders)
    published, shown = await made.upstream.made(), await tray(made.clients, last)
    tally.problems += flaws(orders, published, shown, idempotent=made.plan.is_idempotent)
    tally.problems += [f"{kind.value}: never {moment.value}" for kind, moment in made.points.left]
    tally.problems += [f"a gateway ended by itself: {code}" for gateway in storming for code in gateway.strange]
    tally.problems += [f"still spooled: {name}" for name in spooled(made.data)]
    tally.problems += made.clients.wrong
    await last.end()
    tally.doubled = doubled(orders, published)
    tally.kills = sum((gateway.kills for gateway in storming), Counter())
    tally.calls, tally.failed_calls = made.proxy.calls.total(), made.proxy.failed
    tally.requests = made.clients.sent
    adoptions = re.findall(r"WorkflowsRecovered executor=\S+ flows=(\d+)", "\n".join(made.logs().values()))
    tally.adopted = sum(map(int, adoptions))


async def failures(clients: Clients, orders: Sequence[Order]) -> list[str]:
    """Of flows; and what the flows tell of what they made, for the verdict."""
    flows: dict[int, dict[str, Any]] = {}
    for start in range(0, len(orders), PAGE):
        flows |= await clients.flows(orders[start : start + PAGE])
    found = []
    for order in orders:
        flow = flows.get(order.number) or {"state": "unknown", "warnings": [], "highlight": None}
        order.warnings = flow["warnings"]
        if order.makes and flow["highlight"]:
            order.pk = flow["highlight"]["pk"]
        if flow["state"] != "DONE":
            found.append(f"{order.key} is {flow}")
    return found


async def tray(clients: Clients, gateway: Entrance) -> list[dict[str, Any]]:
    """The account's highlights as a client reads them: pk, title, and the pks of the media."""
    nodes: list[dict[str, Any]] = []
    after = "null"
    while True:
        page = f"highlights(first: {PAGE}, after: {after})"
        fields = "pageInfo { hasNextPage endCursor } nodes { pk title items { nodes { pk } } }"
        data = await clients.ask(gateway, f'{{ user(by: {{ id: "{ACCOUNT}" }}) {{ {page} {{ {fields} }} }} }}')
        connection = data["user"]["highlights"]
        nodes += connection["nodes"]
        if not connection["pageInfo"]["hasNextPage"]:
            break
        after = f'"{connection["pageInfo"]["endCursor"]}"'
    return [node | {"media": [item["pk"] for item in node["items"]["nodes"]]} for node in nodes]

"""What the shared cache costs: local hits with and without Redis, and local misses that Redis has.

    python -m bench.shared_cache [--users N]

Gateways run in this process, over ASGI, without a network to the client: this measures the gateway's own time. Hits of
both kinds take turns, so that the machine's state is the same for both. Needs redis-server.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.report import machine
from tests.shared_cache.instances import Instance, Upstream, instance
from tests.shared_cache.listening import CLOCK, until
from tests.shared_cache.redis_server import redis_server

QUERY = "query User($id: ID!) { user(by: {id: $id}) { biography } }"
FIRST = 1_000_001  # the id of the first user
MOST_DEARER = 2.0  # milliseconds that a local miss may take longer than a local hit, at p50


async def measured(users: int, folder: Path, url: str) -> tuple[str, bool]:
    """Return the table, and whether the miss is within its limit."""
    upstream, shared = Upstream(), {"GATEWAY_REDIS_URL": url}
    ids = [str(FIRST + at) for at in range(users)]
    async with (
        instance(folder / "alone", upstream, {}) as alone,
        instance(folder / "first", upstream, shared) as first,
        instance(folder / "second", upstream, shared) as second,
    ):
        for one in (alone, first):
            for id in ids:
                await one.ask(QUERY, {"id": id})
        calls = first.gateway.reading.services.shared
        assert calls is not None, "the cache is shared"
        await until(lambda: calls.cache.is_idle)
        await second.ask(QUERY, {"id": "787132"})  # what a first operation compiles is nobody's cost
        bought = sum(upstream.calls.values())
        misses = [await seconds(second, id) for id in ids]
        assert sum(upstream.calls.values()) == bought, "nothing was bought"
        hits: dict[str, list[float]] = {"alone": [], "shared": []}
        for id in ids * 3:
            hits["alone"].append(await seconds(alone, id))
            hits["shared"].append(await seconds(second, id))
    rows = {
        "local hit, without Redis": hits["alone"],
        "local hit, with Redis": hits["shared"],
        "local miss that Redis has": misses,
    }
    dearer = 1_000 * (statistics.median(misses) - statistics.median(hits["shared"]))
    lines = ["| operation | p50 ms | p90 ms |", "|---|---|---|", *(row(name, times) for name, times in rows.items())]
    text = (
        f"A local miss that Redis has takes {dearer:.2f} ms longer at p50 than a local hit, {MOST_DEARER:.1f} at most."
    )
    return "\n".join([*lines, "", text]), dearer <= MOST_DEARER


async def seconds(one: Instance, id: str) -> float:
    await CLOCK.sleep(0)  # a replay alone never lets the event loop read from Redis
    began = CLOCK.monotonic()
    await one.ask(QUERY, {"id": id})
    return CLOCK.monotonic() - began


def row(name: str, times: Sequence[float]) -> str:
    p90 = statistics.quantiles(times, n=10)[-1]
    return f"| {name} | {1_000 * statistics.median(times):.2f} | {1_000 * p90:.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.shared_cache")
    parser.add_argument("--users", type=int, default=200, help="(default: %(default)s)")
    arguments = parser.parse_args()
    with redis_server() as server, tempfile.TemporaryDirectory(prefix="shared-cache-") as folder:
        text, is_within = asyncio.run(measured(arguments.users, Path(folder), server.url))
    print(f"{machine()}\n\n{text}")
    return 0 if is_within else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""What 1, 2, 4 and 8 instances would serve, computed from the costs of operations that this run measures.

    python -m bench.instances

One machine cannot show it: its cores are shared by all that runs on them. So the costs of an operation are measured for
one instance, in seconds of the processor, and the rest is a model. Its assumptions stand in the output.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import math
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bench.ablation import table
from bench.contestants import missing_tools
from bench.report import machine
from gateway.sandbox.world import World
from tests.robustness.processes import Server, gateway, sandbox
from tests.shared_cache.redis_server import redis_server

INSTANCES = (1, 2, 4, 8)
SUBJECTS = 10_000
LIFETIME = 600.0  # seconds for which an answer is fresh
ROUNDS = 20  # the rate of operations decides what is cached, and the reverse: after some rounds both agree
ASSUMPTIONS = f"""Each instance has one processor to itself. Operations come at random, go to any of the instances, and
are each about one of {SUBJECTS:,} subjects, whose popularity follows Zipf's law. Answers are fresh for {LIFETIME:.0f} s
and cost one upstream call each. Redis, the load balancer and the upstream are no limit. Costs of one operation:
"""


# Operations of each kind that are measured, and how often each is repeated from an instance's own cache.
MEASURED, REPEATED = 900, 20
QUERY = "query User($id: ID!) { user(by: {id: $id}) { fullName biography followerCount } }"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one operation, in seconds of the processor."""

    local: float
    shared: float
    bought: float


class Way(Enum):
    """Whence an operation is answered."""

    LOCAL = "own cache"
    SHARED = "shared cache"
    BOUGHT = "upstream"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Operations per second over all instances, by subject, in the order of popularity."""

    rate: float
    subjects: int = SUBJECTS
    lifetime: float = LIFETIME

    def by_subject(self) -> list[float]:
        weights = [1 / (rank + 1) for rank in range(self.subjects)]
        return [self.rate * weight / sum(weights) for weight in weights]


def ways(instances: int, traffic: Traffic, *, is_shared: bool) -> dict[Way, float]:
    """Return how many operations per second are answered in each way.

    An answer is bought by the first operation after the one before has ended, so a subject with `a` operations per
    second is bought `a / (1 + a * lifetime)` times per second. Where answers are shared, each other instance whose
    first operation about it comes within the lifetime takes it from the shared cache, once.
    """
    found = dict.fromkeys(Way, 0.0)
    for all_ in traffic.by_subject():
        own = all_ / instances
        if is_shared:
            bought = all_ / (1 + all_ * traffic.lifetime)
            shared = bought * (instances - 1) * -math.expm1(-own * traffic.lifetime)
        else:
            bought, shared = all_ / (1 + own * traffic.lifetime), 0.0
        found[Way.BOUGHT] += bought
        found[Way.SHARED] += shared
        found[Way.LOCAL] += all_ - bought - shared
    return found


def events(instances: int, traffic: Traffic, seconds: float, *, is_shared: bool, seed: int = 1) -> dict[Way, float]:
    """Return what `ways` does, counted over so many seconds of single operations. It takes as long as they are many."""
    dice = random.Random(seed)
    weights = list(itertools.accumulate(traffic.by_subject()))
    fresh = [[0.0] * traffic.subjects for _ in range(instances)]
    shared = [0.0] * traffic.subjects
    found: Counter[Way] = Counter()
    now, begun = 0.0, 2 * traffic.lifetime
    while (now := now + dice.expovariate(traffic.rate)) < begun + seconds:
        (subject,) = dice.choices(range(traffic.subjects), cum_weights=weights)
        own = fresh[dice.randrange(instances)]
        way = Way.LOCAL if own[subject] > now else Way.SHARED if is_shared and shared[subject] > now else Way.BOUGHT
        if way is Way.BOUGHT:
            shared[subject] = now + traffic.lifetime
            own[subject] = shared[subject]
        elif way is Way.SHARED:
            own[subject] = shared[subject]
        found[way] += now >= begun
    return {way: found[way] / seconds for way in Way}


def served(instances: int, costs: Costs, *, is_shared: bool) -> dict[Way, float]:
    """Return the operations per second at which all processors are busy, by the way they are answered."""
    price = {Way.LOCAL: costs.local, Way.SHARED: costs.shared, Way.BOUGHT: costs.bought}
    rate = instances / costs.bought
    found: dict[Way, float] = {}
    for _ in range(ROUNDS):
        found = ways(instances, Traffic(rate), is_shared=is_shared)
        rate *= instances / sum(number * price[way] for way, number in found.items())
    return found


def rows(costs: Costs) -> Sequence[Sequence[str]]:
    made = []
    for instances, is_shared in itertools.product(INSTANCES, (False, True)):
        found = served(instances, costs, is_shared=is_shared)
        total = sum(found.values())
        cells = [
            f"{total:,.0f}",
            f"{found[Way.BOUGHT]:.1f}",
            f"{found[Way.SHARED]:.1f}",
            f"{found[Way.LOCAL] / total:.2%}",
        ]
        made.append([str(instances), "shared" if is_shared else "each its own", *cells])
    return made


def measured() -> Costs:
    """Return the costs of two instances that share a cache: what the first buys serves the second."""
    world = World()
    bodies = [
        json.dumps({"query": QUERY, "variables": {"id": str(world.user(index).pk)}}).encode()
        for index in range(MEASURED + 1)
    ]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="instances-")))
        redis = stack.enter_context(redis_server())
        upstream = stack.enter_context(sandbox())
        more = {"GATEWAY_REDIS_URL": redis.url, "GATEWAY_HIKERAPI_RATE": "100000", "GATEWAY_LOG_LEVEL": "error"}
        first, second = (stack.enter_context(gateway(upstream, folder / name, **more)) for name in ("a", "b"))
        for one in (first, second):
            seconds(one, bodies[:1] * 50)  # what a first operation compiles is nobody's cost
        bought = seconds(first, bodies[1:])
        shared = seconds(second, bodies[1:])
        local = seconds(second, bodies[1:] * REPEATED)
    return Costs(local / MEASURED / REPEATED, shared / MEASURED, bought / MEASURED)


def seconds(one: Server, bodies: Iterable[bytes]) -> float:
    """Return the seconds of the processor that a gateway takes for these requests, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", int(one.port))
    before = _used(one.process.pid)
    for body in bodies:
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.client.OK or b'"errors"' in answer:
            raise RuntimeError(f"not answered: {answer[:500]!r}")
    connection.close()
    return _used(one.process.pid) - before


def _used(pid: int) -> float:
    """Return the seconds of the processor of a process so far, in steps of a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> int:
    if (missing := missing_tools("redis-server")) != []:
        print("bench needs:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    costs = measured()
    print(f"{machine()}\n\n{ASSUMPTIONS}")
    for way, seconds in ((Way.LOCAL, costs.local), (Way.SHARED, costs.shared), (Way.BOUGHT, costs.bought)):
        print(f"- {way.value}: {seconds * 1e6:.0f} microseconds of the processor")
    head = ["instances", "cache", "operations/s", "upstream calls/s", "from the shared cache/s", "from the own cache"]
    print("\n" + table(head, rows(costs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

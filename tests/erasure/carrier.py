"""A process that carries requests out, and is killed after a step: `carrier URL KILLED_AFTER LOG`.

Each step writes its name into the file LOG; before the one is recorded after which it is to be killed, it says so and
waits. Without one, "-", it ends when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.audit.trail import AuditKey
from gateway.clock import SystemClock
from gateway.erasure.request_runner import SHARED_STEP, RequestRunner
from gateway.erasure.request_store import CLAIM_SECONDS, RequestStore
from gateway.erasure.requests import DataRequest, NotYet, Person, RequestKind, RequestStep
from gateway.events import ignore

KEY = b"k" * 32
STEPS = ("account", "flows", SHARED_STEP, "caches")
LONG = 600.0


class ClockAhead(SystemClock):
    """Behind a killed process: its claim has ended."""

    def __init__(self, starts: int) -> None:
        self._ahead = starts * 10 * CLAIM_SECONDS

    def now(self) -> float:
        return super().now() + self._ahead


async def run(url: str, killed_after: str, log: Path, clock: ClockAhead) -> None:
    store = RequestStore(url, lambda: AuditKey(KEY), clock)

    def note(text: str) -> None:
        with log.open("a") as file:
            file.write(f"{text}\n")

    note("start")

    def step(name: str) -> Callable[[DataRequest, Person], Awaitable[Person]]:
        async def act(request: DataRequest, person: Person) -> Person:
            if name == "caches" and not await runner.is_applied(request):
                raise NotYet
            note(name)
            if name == killed_after:
                print("now", flush=True)
                await asyncio.sleep(LONG)
            return person.known_as(names=("natgeo",))

        return act

    async def forget_here(person: Person | None) -> None:
        note(f"forgot {person}")

    steps = {RequestKind.ERASURE: [RequestStep(name, step(name)) for name in STEPS]}
    runner = RequestRunner(store, steps, forget_here, started_at=clock.now(), errors=(), clock=clock, hook=ignore)
    while await runner.call(store.unfinished):
        await runner.turn()
    await runner.aclose()


if __name__ == "__main__":
    log = Path(sys.argv[3])
    clock = ClockAhead(log.read_text().count("start") if log.exists() else 0)
    asyncio.run(run(sys.argv[1], sys.argv[2], log, clock))

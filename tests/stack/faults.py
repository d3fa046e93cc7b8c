"""The faults that befall the members of a stack, one after the other, under load; and the figures of each."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from tests.stack.disks import empty, fill
from tests.stack.load import NO_ANSWER, Outcome, Readers
from tests.stack.members import Member
from tests.stack.stack import Stack

# Operations in a row that must succeed before all is said to be well again.
IN_A_ROW = 20
LOOK = 0.1
HEADINGS = ("fault", "operations", "answered", "refused", "without an answer", "slowest (s)", "well again after (s)")
# What an operation may be told while a member is away, or an upstream call fails.
EXPECTED = frozenset(
    {
        "LEDGER_UNAVAILABLE",
        "UPSTREAM_UNAVAILABLE",
        "UPSTREAM_TIMEOUT",
        "UPSTREAM_RATE_LIMITED",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`begin` makes it, and `end` mends what does not mend itself. Both block."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


@dataclass(slots=True)
class Figures:
    """Of one fault, from its beginning until all was well again."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    recovery: float = 0.0
    """The seconds between the end of the fault and the last look at which something was wrong."""

    @property
    def slowest(self) -> float:
        return max((outcome.seconds for outcome in self.outcomes), default=0.0)

    @property
    def codes(self) -> Counter[str]:
        return Counter(outcome.code for outcome in self.outcomes if outcome.code is not None)

    def cells(self) -> tuple[str, ...]:
        lost = self.codes[NO_ANSWER]
        answered = len(self.outcomes) - self.codes.total()
        numbers = (len(self.outcomes), answered, self.codes.total() - lost, lost)
        return (self.name, *map(str, numbers), f"{self.slowest:.1f}", f"{self.recovery:.1f}")


def faults(made: Stack, small: Path | None = None) -> Iterator[Fault]:
    """Yield a kill and a freeze of one gateway, of Redis, of PostgreSQL, of nginx, and of the way to object storage.

    Where a gateway has the small disk at `small`, that is filled last.
    """
    yield from _of_member("a gateway", made.gateways[1])
    yield from _of_member("Redis", made.redis)
    postgres = made.postgres
    yield Fault("PostgreSQL killed", postgres.kill, postgres.restart)
    yield Fault("PostgreSQL frozen", lambda: postgres.signal(signal.SIGSTOP), lambda: postgres.signal(signal.SIGCONT))
    yield from _of_member("nginx", made.nginx)
    yield Fault("object storage frozen", made.objects.freeze, made.objects.thaw)
    yield Fault("object storage cut off", made.way_to_objects.kill, made.way_to_objects.start)
    if small is not None:
        yield Fault("the disk of a gateway full", partial(fill, small), partial(empty, small))


def _of_member(name: str, member: Member) -> Iterator[Fault]:
    yield Fault(f"{name} killed", member.kill, member.start)
    yield Fault(f"{name} frozen", member.freeze, member.thaw)


async def suffer(made: Stack, readers: Readers, fault: Fault, *, seconds: float, patience: float) -> Figures:
    """Make the fault, end it after so many seconds, and wait until all is well. Raise TimeoutError after `patience`."""
    figures = Figures(fault.name)
    since = time.monotonic()
    await asyncio.to_thread(fault.begin)
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(fault.end)
    ended = time.monotonic()
    async with asyncio.timeout(patience):
        figures.recovery = await _until_well(made, readers) - ended
    figures.outcomes = [outcome for outcome in readers.outcomes if outcome.at + outcome.seconds >= since]
    return figures


async def _until_well(made: Stack, readers: Readers) -> float:
    """Return when the first look was that found all well; it is looked again for as long as some operations take."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            began = time.monotonic()
            if not all([await _is_ready(client, made.direct(one)) for one in range(len(made.gateways))]):
                await asyncio.sleep(LOOK)
                continue
            outcomes = [await readers.ask() for _ in range(IN_A_ROW)]
            if not {outcome.code for outcome in outcomes} & {NO_ANSWER, "LEDGER_UNAVAILABLE"}:
                return began


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    """Return whether a gateway says that all is well, the shared cache included."""
    try:
        response = await client.get(f"{url}/readyz?strict")
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK and not response.json().get("warnings")


def table(rows: Sequence[Figures]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

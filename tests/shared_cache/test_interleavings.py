"""Answers that are requested, changes of what they are about, and answers that come late, in any order: none is old."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shared_cache.redis_store import RedisStore
from gateway.shared_cache.sqlite_store import SqliteStore
from gateway.shared_cache.store_port import LogPosition, SharedStore
from tests.profiles import examples
from tests.shared_cache.listening import CLOCK, Listening, about, stored
from tests.shared_cache.redis_server import redis_server

INSTANCES, SUBJECTS = 3, 2
Step: TypeAlias = "Begin | End | Change | Look"
Stores: TypeAlias = Callable[[], "World"]


@dataclass(frozen=True, slots=True)
class Begin:
    """An instance requests the answer about a subject."""

    instance: int
    subject: int


@dataclass(frozen=True, slots=True)
class End:
    """The oldest answer that is not stored yet comes, or the newest."""

    is_oldest: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A subject changes, and an instance invalidates what is known about it."""

    instance: int
    subject: int


@dataclass(frozen=True, slots=True)
class Look:
    """All instances follow the log for a moment."""


INSTANCE, SUBJECT = st.integers(0, INSTANCES - 1), st.integers(0, SUBJECTS - 1)
STEPS = st.lists(
    st.builds(Begin, INSTANCE, SUBJECT)
    | st.builds(End, st.booleans())
    | st.builds(Change, INSTANCE, SUBJECT)
    | st.just(Look()),
    min_size=3,
    max_size=30,
)


@pytest.fixture(scope="module", params=["redis", "sqlite"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes stores with the same content, which nothing else has."""
    serials = itertools.count()
    with tempfile.TemporaryDirectory(prefix="cache-") as folder:
        if request.param == "sqlite":
            path = Path(folder)
            yield lambda: World.of(lambda prefix: SqliteStore(path / f"{prefix}.sqlite3", 2**30, clock=CLOCK), serials)
            return
        with redis_server() as server:
            yield lambda: World.of(lambda prefix: RedisStore(server.url, prefix, clock=CLOCK), serials)


@dataclass
class World:
    """`versions` are those of the subjects upstream, `pending` the answers on their way: to whom, about what, of when.

    Keys begin with `prefix`.
    """

    prefix: str
    stores: Sequence[SharedStore]
    versions: list[int] = field(default_factory=lambda: [0] * SUBJECTS)
    pending: list[tuple[int, int, int, LogPosition]] = field(default_factory=list)
    refused: int = 0

    @classmethod
    def of(cls, make: Callable[[str], SharedStore], serials: Iterator[int]) -> Self:
        prefix = f"hg1:{next(serials)}:"
        return cls(prefix, [make(prefix) for _ in range(INSTANCES)])

    def name(self, subject: int) -> str:
        return f"{self.prefix}a:{subject}"

    async def do(self, step: Step) -> None:
        match step:
            case Begin(instance, subject):
                if (position := self.stores[instance].position) is not None:
                    self.pending.append((instance, subject, self.versions[subject], position))
            case End(is_oldest):
                if self.pending:
                    await self._store(*self.pending.pop(0 if is_oldest else -1))
            case Change(instance, subject):
                self.versions[subject] += 1
                await self.stores[instance].invalidate(about(str(subject), self.name(subject)))
            case Look():
                await CLOCK.sleep(0.01)

    async def _store(self, instance: int, subject: int, version: int, begun: LogPosition) -> None:
        value = stored(self.name(subject), str(version).encode())
        is_stored = await self.stores[instance].put([value], begun=begun, subjects=[str(subject)])
        self.refused += not is_stored

    async def check(self) -> None:
        """No instance finds an answer from before a change."""
        for store in self.stores:
            found = await store.find([self.name(subject) for subject in range(SUBJECTS)])
            for value, version in zip(found, self.versions, strict=True):
                assert value in (None, str(version).encode())


async def play(world: World, steps: Sequence[Step]) -> list[bytes | None]:
    """What the last instance finds about the subjects in the end."""
    async with AsyncExitStack() as running:
        for number, store in enumerate(world.stores):
            await running.enter_async_context(store.running(Listening(str(number))))
        for step in steps:
            await world.do(step)
            await world.check()
        return await world.stores[-1].find([world.name(subject) for subject in range(SUBJECTS)])


@given(steps=STEPS)
@examples(1_000)
def test_no_answer_from_before_a_change_is_found_after_it(stores: Stores, steps: list[Step]) -> None:
    asyncio.run(play(stores(), steps))


def test_a_late_answer_is_refused_and_another_one_is_found(stores: Stores) -> None:
    """Or the rule above would hold of a store that keeps nothing."""
    world = stores()
    late: list[Step] = [Begin(0, 0), Begin(0, 1), Change(1, 0), End(is_oldest=True), End(is_oldest=True)]
    assert asyncio.run(play(world, late)) == [None, b"0"]
    assert world.refused == 1

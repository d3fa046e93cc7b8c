"""Whatever the data and the query: the projection answers what graphql-core answers.

A failure prints the operation, and its seed repeats it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from graphql import GraphQLNonNull
from hypothesis import strategies as st

from gateway.execution import PlanCache, ProjectingExecutionContext
from tests.execution.compare import STOCK, Context, outcome
from tests.execution.data import SOURCES, Cook
from tests.execution.documents import document, words
from tests.execution.tested import watched
from tests.execution.world import GRAPH, Ways
from tests.profiles import examples


class Eager(ProjectingExecutionContext):
    """Compiles at once, as most examples hold few objects."""

    cache = PlanCache(threshold=1)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


class Case:
    """One operation, and how to set up the world that it is run on."""

    def __init__(self, seed: int, kind: str, oddity: float, sources: tuple[str, ...], incremental: bool) -> None:
        self.rng = random.Random(seed)
        self.text, self.document = document(self.rng, kind, incremental=incremental)
        self.cook = Cook(self.rng, oddity, sources, words(self.text))
        self.allowed = self.rng.random() < 0.7
        self.slow = self.rng.random() < 0.3
        types: Any = GRAPH.type_map
        box = GraphQLNonNull(types["Box"])
        self.box = self.cook.recipe(box, 3)
        self.boxes = [self.cook.recipe(box, 2) for _ in range(self.rng.randint(1, 3))]
        self.medias = [self.cook.recipe(types["Media"], 2) for _ in range(self.rng.randint(0, 6))]

    def context_value(self) -> dict[str, Any]:
        return Ways(
            box=self.box,
            boxes=lambda: [make() for make in self.boxes],
            medias=lambda: [make() for make in self.medias],
            allowed=self.allowed,
            no_drawings=not self.allowed,
            slow=self.slow,
        )

    async def outcome(self, context: Context, variables: dict[str, Any]) -> list[str]:
        try:
            return await outcome(context, GRAPH, self.document, self.context_value(), variables)
        finally:
            self.cook.dispose()


# graphql-core itself leaves work behind when it gives up deferred parts.
@pytest.mark.no_cover  # its many examples take twice as long under coverage
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@examples(2_000, suppress=hypothesis.HealthCheck)
@hypothesis.given(
    seed=st.integers(0, 2**48),
    kind=st.sampled_from(("query", "query", "query", "mutation", "subscription")),
    oddity=st.sampled_from((0.0, 0.003, 0.01, 0.03, 0.1)),
    sources=st.sampled_from((SOURCES[:1], SOURCES[1:2], SOURCES[2:3], SOURCES[:3], SOURCES)),
    incremental=st.booleans(),
)
def test_the_projection_answers_what_graphql_core_answers(
    loop: asyncio.Runner, seed: int, kind: str, oddity: float, sources: tuple[str, ...], incremental: bool
) -> None:
    case = Case(seed, kind, oddity, sources, incremental and kind == "query")
    hypothesis.note(case.text)
    for variables, contexts in (
        ({"p": True, "q": case.rng.random() < 0.5}, (Eager, Eager)),
        ({"p": False, "n": 3}, (Eager, ProjectingExecutionContext)),
    ):
        expected = loop.run(case.outcome(STOCK, variables))
        for context in contexts:
            assert loop.run(case.outcome(context, variables)) == expected


async def test_the_examples_are_projected_for_the_most_part() -> None:
    """The test above would also pass if nothing were ever compiled."""
    stock, eager = watched(STOCK), watched(Eager)
    for seed in range(50):
        case = Case(seed, "query", 0.0, SOURCES[:1], incremental=seed % 2 == 0)
        for context in (stock, eager):
            await case.outcome(context, {"p": False})
    interpreted, left = len(stock.interpreted), len(eager.interpreted)  # type: ignore[attr-defined]
    assert interpreted > 500
    assert left < interpreted / 3

"""Whatever the data and the query: the projection answers what graphql-core answers.

PROJECTION_EXAMPLES=100000 looks longer; a failure prints the operation, and its seed repeats it.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from graphql import DocumentNode
from hypothesis import strategies as st

from gateway.execution import PlanCache, ProjectingExecutionContext
from tests.execution.compare import STOCK, Context, outcome
from tests.execution.data import SOURCES, Cook
from tests.execution.documents import document
from tests.execution.world import GRAPH

EXAMPLES = int(os.environ.get("PROJECTION_EXAMPLES", "2000"))


class Eager(ProjectingExecutionContext):
    """Compiles at once, as most examples hold few objects."""

    cache = PlanCache(worthwhile=1)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


class Case:
    """One operation on one world: the operation and how to set the world up again."""

    def __init__(self, seed: int, kind: str, oddity: float, sources: tuple[str, ...], incremental: bool) -> None:
        self.rng = random.Random(seed)
        self.kind, self.incremental = kind, incremental
        self.cook = Cook(self.rng, oddity, sources)
        types: Any = GRAPH.type_map
        self.box = self.cook.recipe(types["Box"], 3 if seed % 8 == 0 else 2)
        self.boxes = [self.cook.recipe(types["Box"], 2) for _ in range(self.rng.randint(0, 3))]
        self.medias = [self.cook.recipe(types["Media"], 2) for _ in range(self.rng.randint(0, 4))]

    def context_value(self) -> dict[str, Any]:
        return {
            "box": self.box,
            "boxes": lambda: [make() for make in self.boxes],
            "medias": lambda: [make() for make in self.medias],
            "allowed": True,
        }

    def document(self) -> tuple[str, DocumentNode] | None:
        return document(self.rng, self.kind, incremental=self.incremental)

    async def outcome(self, context: Context, parsed: DocumentNode, variables: dict[str, Any]) -> list[str]:
        try:
            return await outcome(context, GRAPH, parsed, self.context_value(), variables, early=variables["p"])
        finally:
            self.cook.dispose()


@hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck), database=None)
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
    drawn = case.document()
    hypothesis.assume(drawn)
    assert drawn
    text, parsed = drawn
    hypothesis.note(text)
    for variables in ({"p": True, "q": case.rng.random() < 0.5}, {"p": False, "n": 3}):
        expected = loop.run(case.outcome(STOCK, parsed, variables))
        for context in (Eager, Eager, ProjectingExecutionContext):
            assert loop.run(case.outcome(context, parsed, variables)) == expected

"""The projection under test, real or mutated, and the means to see what it did and whether stock answers the same."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from graphql import DocumentNode, GraphQLSchema, parse

from gateway import execution
from tests.execution.compare import STOCK, Context, outcome
from tests.execution.world import GRAPH, Box, Kind, Leaves, Ways

Make = Callable[[], Any]


def watched(context: Context) -> Context:
    """`context`, but it names every field that graphql-core has to resolve in `interpreted`."""

    class Watched(context):  # type: ignore[valid-type,misc]
        interpreted: list[str] = []  # noqa: RUF012 - shared by the executors of one test on purpose

        def execute_field(self, parent_type: Any, source: Any, details: Any, *rest: Any) -> Any:
            self.interpreted.append(f"{parent_type.name}.{details[0].node.name.value}")
            return super().execute_field(parent_type, source, details, *rest)

    return Watched


class Subject:
    """`package` is `gateway.execution` or a mutant of it."""

    def __init__(self, package: ModuleType = execution) -> None:
        self.package = package

    def context(self, **cache: Any) -> Context:
        """A watched execution context with plans of its own."""
        plans = self.package.PlanCache(**cache)
        return watched(type("Own", (self.package.ProjectingExecutionContext,), {"cache": plans}))

    async def same(
        self,
        text: str | DocumentNode,
        make: Make,
        variables: Mapping[str, Any] | None = None,
        schema: GraphQLSchema = GRAPH,
        *,
        context: Context | None = None,
        **more: Any,
    ) -> list[str]:
        """Asserts that stock answers the same, and names the fields that graphql-core had to resolve at last.

        `make` makes each Box there is; three of them are in a list. The projection runs twice: compiling and compiled.
        """
        document = parse(text) if isinstance(text, str) else text
        value = Ways(box=make, boxes=lambda: [make(), make(), make()], medias=lambda: [make()], **more)
        expected = await outcome(STOCK, schema, document, value, variables)
        context = context or self.context(threshold=1)
        for _ in range(2):
            context.interpreted.clear()  # type: ignore[attr-defined]
            assert await outcome(context, schema, document, value, variables) == expected
        return list(context.interpreted)  # type: ignore[attr-defined]


def leaves(**odd: Any) -> Leaves:
    values: dict[str, Any] = {
        "text": "t",
        "whole": 2**31 - 1,
        "real": 0.5,
        "flag": True,
        "id": "1",
        "kind": Kind.FEED,
        "at": datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC),
        "big": 2**63,
        "words": ["w"],
        "json": {"a": 1},
        "price": None,
        "tags": ["a", "b"],
        "tags_or_null": None,
        "kinds": [Kind.NONE],
        "grid": [[1], [2, 3]],
        "grid_or_null": None,
    }
    names = ("text", "whole", "real", "flag", "id", "kind", "at", "big")
    return Leaves(**{**{f"{name}_or_null": None for name in names}, **values, **odd})


def box(**odd: Any) -> Box:
    nothing = (
        "leaves_or_null",
        "many_or_null",
        "media",
        "node",
        "photo",
        "drawing",
        "edge",
        "child",
        "grid",
        "guarded",
    )
    lists = ("medias", "nodes", "photos", "children")
    values: dict[str, Any] = {"name": "n", "plain": "p", "leaves": leaves(), "many": [leaves(), leaves()]}
    return Box(**{**dict.fromkeys(nothing), **{name: [] for name in lists}, **values, **odd})


def a_box(**odd: Any) -> Make:
    return lambda: box(**odd)

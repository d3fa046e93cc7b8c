"""When a selection is worth a plan, and where plans are kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from graphql import DocumentNode

from gateway.execution.compiler import Plan
from gateway.execution.kept import Projections

# Objects to meet before a selection is compiled, as many as graphql-core executes in the time that compiling takes: so
# it never costs more than twice the better choice. Measured by bench/execution.py: 19 for one field, 11 for eight,
# 10 for hundreds. A list counts all its objects before the first is executed.
WORTHWHILE = 10
# Where the code is there already, because another document selects the same, a plan takes a fifth of that.
EARLY = 2
DOCUMENTS = 256


class Slot:
    """One selection on its way to a plan, which is worthwhile after as many objects."""

    __slots__ = ("met", "plan", "worthwhile")

    def __init__(self, worthwhile: int) -> None:
        self.met = 0
        self.worthwhile = worthwhile
        self.plan: Plan | None = None

    def warm(self, objects: int, compile_plan: Callable[[bool], Plan]) -> Plan | None:
        """Counts `objects`; the plan once there is one. `compile_plan` is told whether only known code is wanted.

        A selection that will not compile is tried once for each of the two.
        """
        before, self.met = self.met, self.met + objects
        if before < self.worthwhile <= self.met:
            self._try(compile_plan, only_known=False)
        elif before < EARLY <= self.met < self.worthwhile:
            self._try(compile_plan, only_known=True)
        return self.plan

    def _try(self, compile_plan: Callable[[bool], Plan], *, only_known: bool) -> None:
        if self.plan is None:
            with suppress(Exception):  # whatever is wrong with it, graphql-core is to find and report it
                self.plan = compile_plan(only_known)


class Plans(dict[Hashable, Slot]):
    """The slots of one document under one assignment of its conditions, by type and ids of the selected nodes.

    It keeps the document, so that those ids go to no other node while it lives.
    """

    def __init__(self, document: DocumentNode, worthwhile: int) -> None:
        self.document = document
        self.worthwhile = worthwhile

    def __missing__(self, key: Hashable) -> Slot:
        slot = self[key] = Slot(self.worthwhile)
        return slot


class PlanCache:
    """The plans of the documents used last; to hit, the same text must come as the same DocumentNode.

    Conditions are the Boolean variables: with `@skip`, `@include` and `@defer` they decide which fields are selected.
    What plans project of lists that never change is kept in `projections`, where there are any.
    """

    def __init__(
        self, documents: int = DOCUMENTS, worthwhile: int = WORTHWHILE, projections: Projections | None = None
    ) -> None:
        self.projections = projections
        self.worthwhile = worthwhile
        self._plans: LRUCache[Hashable, Plans] = LRUCache(documents)

    def __len__(self) -> int:
        return len(self._plans)

    def of(self, document: DocumentNode, variables: Iterable[tuple[str, Any]]) -> Plans:
        key = id(document), tuple((name, value) for name, value in variables if type(value) is bool)
        plans = self._plans.get(key)
        if plans is None:
            plans = self._plans[key] = Plans(document, self.worthwhile)
        return plans

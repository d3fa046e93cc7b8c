"""When a selection is worth a plan, and where plans are kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from graphql import DocumentNode, Token

from gateway.execution.compiler import Module, Plan
from gateway.execution.projection_cache import Projections

# Objects to meet before a selection is compiled, as many as graphql-core executes in the time that compiling takes: so
# it never costs more than twice the better choice. Measured by bench/execution.py: 19 for one field, 11 for eight,
# 10 for hundreds. A list counts all its objects before the first is executed.
WORTHWHILE = 10
# Where the code is there already, because another document selects the same, a plan takes a fifth of that.
INITIAL_EXECUTIONS = 2
MAX_BYTES = 2**24
# Of these bytes one part in so many is for generated modules: new documents mostly select what others selected before,
# and Python's own compiler takes four fifths of the time.
MODULES_SHARE = 4
# Bytes of a document and its slots: measured at most 550 for each token, whose nodes are kept along, 45 for each node
# that a slot is of, and some hundreds for the slot.
OVERHEAD = 3_000
EACH_TOKEN = 560
EACH_SLOT = 400
EACH_NODE = 50


class TierUpCounter:
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
        elif before < INITIAL_EXECUTIONS <= self.met < self.worthwhile:
            self._try(compile_plan, only_known=True)
        return self.plan

    def _try(self, compile_plan: Callable[[bool], Plan], *, only_known: bool) -> None:
        if self.plan is None:
            with suppress(Exception):  # whatever is wrong with it, graphql-core is to find and report it
                self.plan = compile_plan(only_known)


class DocumentPlans(dict[Hashable, TierUpCounter]):
    """The slots of one document under one assignment of its conditions, by type and ids of the selected nodes.

    It keeps the document, so that those ids go to no other node while it lives. `size` is in bytes, with the document;
    `grown` hears of each change of it.
    """

    def __init__(self, document: DocumentNode, worthwhile: int, grown: Callable[[DocumentPlans], None]) -> None:
        self.document = document
        self.worthwhile = worthwhile
        self.size = tree_size(document)
        self._grown = grown

    def slot(self, type_: Hashable, nodes: tuple[int, ...]) -> TierUpCounter:
        """For the nodes of these ids, selected of the type."""
        slot = self.get((type_, nodes))
        if slot is None:
            slot = self[type_, nodes] = TierUpCounter(self.worthwhile)
            self.grow(EACH_SLOT + EACH_NODE * len(nodes))
        return slot

    def grow(self, size: int) -> None:
        self.size += size
        self._grown(self)


class PlanCache:
    """The plans of the documents used last; to hit, the same text must come as the same DocumentNode.

    Conditions are the Boolean variables: with `@skip`, `@include` and `@defer` they decide which fields are selected.
    What plans project of lists that never change is kept in `projections`, where there are any. All else takes at most
    `max_bytes`, generated modules too, which are kept in `modules` by their text.
    """

    def __init__(
        self, max_bytes: int = MAX_BYTES, worthwhile: int = WORTHWHILE, projections: Projections | None = None
    ) -> None:
        self.projections = projections
        self.worthwhile = worthwhile
        modules = max_bytes // MODULES_SHARE
        self.modules: LRUCache[str, Module] = LRUCache(modules, getsizeof=lambda module: module.size)
        self._plans: LRUCache[Hashable, DocumentPlans] = LRUCache(
            max_bytes - modules, getsizeof=lambda plans: plans.size
        )

    def __len__(self) -> int:
        return len(self._plans)

    def of(self, document: DocumentNode, variables: Iterable[tuple[str, Any]]) -> DocumentPlans:
        key = id(document), tuple((name, value) for name, value in variables if type(value) is bool)
        plans = self._plans.get(key)
        if plans is None:
            plans = DocumentPlans(document, self.worthwhile, lambda grown: self._weigh(key, grown))
            self._keep(key, plans)
        return plans

    def _weigh(self, key: Hashable, plans: DocumentPlans) -> None:
        """Anew, after they have grown; those that had to go meanwhile are weighed no more."""
        if self._plans.get(key) is plans:
            self._keep(key, plans)

    def _keep(self, key: Hashable, plans: DocumentPlans) -> None:
        if plans.size <= self._plans.maxsize:
            self._plans[key] = plans
        else:
            self._plans.pop(key, None)


def tree_size(document: DocumentNode) -> int:
    """In bytes, with what a cache spends on it."""
    return OVERHEAD + EACH_TOKEN * _tokens_in(document)


def _tokens_in(document: DocumentNode) -> int:
    """Its parts that no node stands for are kept by their order."""
    token: Token | None = document.loc.start_token if document.loc else None
    count = 0
    while token is not None:
        token, count = token.next, count + 1
    return count

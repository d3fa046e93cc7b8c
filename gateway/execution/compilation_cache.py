"""The cache of compiled plans, and the decision when a selection is worth compiling."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from graphql import DocumentNode, Token

from gateway.execution.compiler import Module, Plan
from gateway.execution.projection_cache import Projections

# Objects to execute before a selection is compiled: graphql-core executes as many in the time that compiling takes, so
# compiling never costs more than twice the better choice. Measured by bench/execution.py: 19 for one field, 11 for
# eight, 10 for hundreds. A list counts all its objects before the first is executed.
THRESHOLD = 10
# If the code is cached because another document selects the same, a plan takes a fifth of that time.
INITIAL_EXECUTIONS = 2
MAX_BYTES = 2**24
# The divisor for the share of the bytes that generated modules get: new documents mostly select what others selected
# before, and Python's own compiler takes four fifths of the time.
MODULES_SHARE = 4
# Bytes of a document and its slots: measured at most 550 for each token (with its nodes), 45 for each node of a slot,
# and some hundreds for the slot.
OVERHEAD = 3_000
EACH_TOKEN = 560
EACH_SLOT = 400
EACH_NODE = 50


class TierUpCounter:
    """The count of objects executed with one selection, and its plan once the count makes compiling worthwhile."""

    __slots__ = ("count", "plan", "threshold")

    def __init__(self, threshold: int) -> None:
        self.count = 0
        self.threshold = threshold
        self.plan: Plan | None = None

    def record(self, objects: int, compile_plan: Callable[[bool], Plan]) -> Plan | None:
        """Count `objects`, and return the plan if there is one. `compile_plan` gets whether to use only cached code.

        A selection that does not compile is tried once in each of the two modes.
        """
        before, self.count = self.count, self.count + objects
        if before < self.threshold <= self.count:
            self._try(compile_plan, only_known=False)
        elif before < INITIAL_EXECUTIONS <= self.count < self.threshold:
            self._try(compile_plan, only_known=True)
        return self.plan

    def _try(self, compile_plan: Callable[[bool], Plan], *, only_known: bool) -> None:
        if self.plan is None:
            with suppress(Exception):  # whatever fails, graphql-core finds and reports it
                self.plan = compile_plan(only_known)


class DocumentPlans(dict[Hashable, TierUpCounter]):
    """The slots of one document under one assignment of its conditions, by type and ids of the selected nodes.

    The document is referenced, so that the ids of its nodes are not reused while it lives. `size` is in bytes and
    includes the document; `grown` is called on each change of it.
    """

    def __init__(self, document: DocumentNode, threshold: int, grown: Callable[[DocumentPlans], None]) -> None:
        self.document = document
        self.threshold = threshold
        self.size = tree_size(document)
        self._grown = grown

    def slot(self, type_: Hashable, nodes: tuple[int, ...]) -> TierUpCounter:
        """Return the slot for the nodes with these ids, selected on the type."""
        slot = self.get((type_, nodes))
        if slot is None:
            slot = self[type_, nodes] = TierUpCounter(self.threshold)
            self.grow(EACH_SLOT + EACH_NODE * len(nodes))
        return slot

    def grow(self, size: int) -> None:
        self.size += size
        self._grown(self)


class PlanCache:
    """The plans of the most recently used documents. A hit requires the same DocumentNode, not only the same text.

    Conditions are the Boolean variables: with `@skip`, `@include` and `@defer` they decide which fields are selected.
    Projections of lists that never change are cached in `projections`, if given. Everything else takes at most
    `max_bytes`, including the generated modules, which `modules` caches by their text.
    """

    def __init__(
        self, max_bytes: int = MAX_BYTES, threshold: int = THRESHOLD, projections: Projections | None = None
    ) -> None:
        self.projections = projections
        self.threshold = threshold
        modules = max_bytes // MODULES_SHARE
        self.modules: LRUCache[str, Module] = LRUCache(modules, getsizeof=lambda module: module.size)
        self._plans: LRUCache[Hashable, DocumentPlans] = LRUCache(
            max_bytes - modules, getsizeof=lambda plans: plans.size
        )

    def __len__(self) -> int:
        return len(self._plans)

    @property
    def size(self) -> int:
        """The size in bytes, estimated."""
        return int(self._plans.currsize + self.modules.currsize)

    def of(self, document: DocumentNode, variables: Iterable[tuple[str, Any]]) -> DocumentPlans:
        key = id(document), tuple((name, value) for name, value in variables if type(value) is bool)
        plans = self._plans.get(key)
        if plans is None:
            plans = DocumentPlans(document, self.threshold, lambda grown: self._weigh(key, grown))
            self._keep(key, plans)
        return plans

    def _weigh(self, key: Hashable, plans: DocumentPlans) -> None:
        """Update the size of plans that have grown, unless they were evicted meanwhile."""
        if self._plans.get(key) is plans:
            self._keep(key, plans)

    def _keep(self, key: Hashable, plans: DocumentPlans) -> None:
        if plans.size <= self._plans.maxsize:
            self._plans[key] = plans
        else:
            self._plans.pop(key, None)


def tree_size(document: DocumentNode) -> int:
    """Return the bytes of the document, including the overhead of a cache."""
    return OVERHEAD + EACH_TOKEN * _tokens_in(document)


def _tokens_in(document: DocumentNode) -> int:
    """Return the number of tokens. Tokens without a node of their own are referenced by their order."""
    token: Token | None = document.loc.start_token if document.loc else None
    count = 0
    while token is not None:
        token, count = token.next, count + 1
    return count

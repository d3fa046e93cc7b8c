"""The execution context that projects selections where possible and leaves the rest to graphql-core.

It overrides two steps: the execution of an object's fields, and the completion of a list, which avoids entering each of
its objects. It does not project operations with a middleware (an extension with a `resolve` hook handles every field),
fields shared by several deferred fragments, and selections whose plan raises.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Hashable, Iterable
from itertools import chain
from typing import Any, ClassVar, TypeVar, cast
from weakref import ref

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.incremental.work_queue import Work
from graphql.pyutils import AwaitableOrValue, Path
from graphql.type.definition import GraphQLResolveInfoHelpers

from gateway.execution.compilation_cache import DocumentPlans, PlanCache, TierUpCounter
from gateway.execution.compiler import Plan, compile_list, compile_object
from gateway.execution.leaf_values import LISTS
from gateway.execution.partial import PartialExecutionContext
from gateway.execution.sync_resolvers import ResolverInfo, resolver_info

Type = TypeVar("Type", bound=Hashable)
Selection = TypeVar("Selection", GroupedFieldSet, FieldDetailsList)


class ProjectingExecutionContext(PartialExecutionContext):
    """The class for `strawberry.Schema(execution_context_class=...)`; without it nothing is projected.

    All operations of the process share `cache`; a subclass may bring its own. If the cache has `projections`, lists in
    a result may be `msgspec.Raw`: their JSON.
    """

    cache: ClassVar[PlanCache] = PlanCache()

    plans: DocumentPlans | None = None
    resolver_info: ResolverInfo | None = None
    # By identity of the selection, which is referenced next to its slot; graphql-core makes selections once per
    # operation.
    slots: dict[Hashable, tuple[object, TierUpCounter | None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.async_helpers = loosely_bound(self)

    @classmethod
    def build(
        cls, schema: GraphQLSchema, document: DocumentNode, *args: Any, **kwargs: Any
    ) -> list[GraphQLError] | Executor[Any]:
        executor = super().build(schema, document, *args, **kwargs)
        if isinstance(executor, ProjectingExecutionContext):
            executor.start_projecting(document)
        return executor

    def start_projecting(self, document: DocumentNode) -> None:
        self.slots = {}
        if self.middleware_manager is None or not self.middleware_manager.middlewares:
            self.plans = self.cache.of(document, self.variable_values.coerced.items())
            self.resolver_info = resolver_info(self)

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """Return an executor with its own slots.

        A long subscription must not collect the selections of all its events.
        """
        executor = super().build_per_event_executor(payload)
        cast("ProjectingExecutionContext", executor).slots = {}
        return executor

    def get_incremental_work(self) -> Work:
        """Return the work, and drop it here: the queue that delivers it owns it from now on.

        Otherwise a stream and its executor would reference each other, and all data that the operation has read.
        """
        work = super().get_incremental_work()
        self.groups, self.tasks, self.streams = [], [], []
        return work

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        plan = self.plan(parent_type, grouped_field_set, 1, compile_object)
        response: dict[str, Any] | None = project(plan, source_value, self.resolver_info)
        if plan is None or response is None:
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        if not plan.rest:
            return response
        rest = {key: grouped_field_set[key] for key in plan.rest}
        others = super().execute_fields(parent_type, source_value, path, rest, position_context)
        if isinstance(others, dict):
            response.update(others)
            return response
        return filled(response, others)

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: AsyncIterable[Any] | Iterable[Any],
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if type(result) in LISTS:
            assert isinstance(result, list | tuple)
            plan = self.plan(return_type, field_details_list, len(result), compile_list)
            response: list[Any] | None = project(plan, result, self.resolver_info)
            if response is not None:
                return response
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def plan(
        self,
        type_: Type,
        selection: Selection,
        objects: int,
        compile_plan: Callable[..., Plan],
    ) -> Plan | None:
        """Return the plan for `selection` on values of `type_`, or None if there is none yet.

        `objects` is the number of objects about to be executed.
        """
        key = type_, id(selection)
        known = self.slots.get(key)
        if known is None:
            known = self.slots[key] = selection, self.slot(type_, selection)
        slot = known[1]
        if slot is None:
            return None
        if slot.plan is not None:
            return slot.plan
        plan = slot.record(objects, lambda only_known: compile_plan(self, type_, selection, only_known=only_known))
        if plan is not None and self.plans is not None:
            self.plans.grow(plan.size)
        return plan

    def slot(self, type_: Hashable, selection: GroupedFieldSet | FieldDetailsList) -> TierUpCounter | None:
        """Return None if plans must not be used: some field also belongs to the delivery of another fragment.

        Fields delivered with `@defer` are executed by a separate executor, which knows the fragments it delivers.
        """
        details = selection if isinstance(selection, list) else list(chain.from_iterable(selection.values()))
        fragment = next(iter(self.defer_usage_set)) if self.defer_usage_set else None
        if self.plans is None or any(detail.defer_usage is not fragment for detail in details):
            return None
        return self.plans.slot(type_, tuple(id(detail.node) for detail in details))


def loosely_bound(executor: Executor[Any]) -> GraphQLResolveInfoHelpers:
    """Return helpers with a weak reference to the executor.

    Otherwise executor and helpers would reference each other, and all data that the operation has read, until a garbage
    collection: under load that would be hundreds of megabytes.
    """
    this = ref(executor)

    def alive() -> Executor[Any]:
        found = this()
        assert found is not None, "helpers are used while the operation is executed"
        return found

    return GraphQLResolveInfoHelpers(
        gather=lambda awaitables: alive().gather_async_work(awaitables),
        track=lambda values: alive().track_async_work(values),
    )


def project(plan: Plan | None, source: Any, resolver_info: ResolverInfo | None) -> Any:
    """Return the response of `source`, or None without a plan or if graphql-core must find and report a problem."""
    if plan is None:
        return None
    try:
        return plan.project(source, resolver_info)
    except Exception:  # every exception of a plan has the same meaning
        return None


async def filled(response: dict[str, Any], others: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    response.update(await others)
    return response

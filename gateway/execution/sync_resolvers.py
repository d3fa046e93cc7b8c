"""Synchronous resolvers that compiled code may call.

A field with SYNC in its metadata has a resolver that only reads its object and the data that the operation has
loaded. Calling it twice returns the same, and it uses only the context of its `info`. It gets a context whose loaders
raise instead of waiting for data that is not loaded yet; then graphql-core resolves the object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard

from graphql import FieldNode, GraphQLField
from graphql.execution import Executor
from graphql.execution.values import get_argument_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

SYNC = "synchronous"


class SupportsSyncAccess(Protocol):
    """A context that synchronous resolvers can be called with."""

    def non_blocking(self) -> Any:
        """Return the same context, except that loaders raise where they would have to wait."""
        ...


class ResolverInfo:
    """The part of one operation that synchronous resolvers see, in place of Strawberry's `Info`."""

    __slots__ = ("arguments", "context", "hide_suggestions", "schema", "variables")

    def __init__(self, context: Any, executor: Executor[Any]) -> None:
        """Copy what is needed from the executor, which references this object.

        A reference back would be a cycle that keeps all data the operation has read.
        """
        self.context = context
        self.schema: Any = executor.schema._strawberry_schema  # type: ignore[attr-defined]
        self.variables = executor.variable_values
        self.hide_suggestions = executor.hide_suggestions
        self.arguments: dict[int, Mapping[str, Any]] = {}
        """Arguments of each synchronous field in its resolver's form, by the id of the field's node."""


def resolver_info(executor: Executor[Any]) -> ResolverInfo | None:
    """Return the info for synchronous resolvers, or None if the context has no synchronous access."""
    context = executor.context_value
    return ResolverInfo(context.non_blocking(), executor) if supports_sync_access(context) else None


def supports_sync_access(context: Any) -> TypeGuard[SupportsSyncAccess]:
    return hasattr(context, "non_blocking")


def is_sync(definition: StrawberryField) -> bool:
    """Return whether the field's resolver is synchronous and has no extensions. Permissions are extensions, too."""
    resolver = definition.base_resolver
    if not definition.metadata.get(SYNC) or definition.extensions:
        return False
    return resolver is not None and not resolver.is_async


def bind_resolver(
    field: GraphQLField, definition: StrawberryField, node: FieldNode
) -> Callable[[Any, ResolverInfo], Any]:
    """Return a function that calls the resolver as Strawberry does.

    The function raises the errors of the resolver and of its arguments.
    """
    resolver = definition.base_resolver
    assert resolver is not None, "a synchronous field has a resolver"
    resolve: Any = resolver.wrapped_func
    place = id(node)
    sources = [parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter]
    info = resolver.info_parameter.name if resolver.info_parameter else None
    positional = bool(resolver.self_parameter)

    def read(source: Any, resolver_info: ResolverInfo) -> Any:
        known = resolver_info.arguments.get(place)
        if known is None:
            known = resolver_info.arguments[place] = _arguments(field, definition, node, resolver_info)
        given = {**known, **dict.fromkeys(sources, source)}
        if info is not None:
            given[info] = resolver_info
        return resolve(source, **given) if positional else resolve(**given)

    return read


def _arguments(
    field: GraphQLField, definition: StrawberryField, node: FieldNode, resolver_info: ResolverInfo
) -> Mapping[str, Any]:
    values = get_argument_values(field, node, resolver_info.variables, hide_suggestions=resolver_info.hide_suggestions)
    scalars = resolver_info.schema.schema_converter.scalar_registry
    return convert_arguments(values, definition.arguments, scalars, resolver_info.schema.config)

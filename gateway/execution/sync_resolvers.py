"""Resolvers that answer at once, called by compiled code.

A field whose metadata says PROMPT has a resolver that only reads: the object it is asked of, and what the operation
knows by then. Called twice it answers the same, and all it asks of its `info` is the context. Where something is not
known yet it would have to wait: it is handed a context that raises instead, and graphql-core does that part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard

from graphql import FieldNode, GraphQLField
from graphql.execution import Executor
from graphql.execution.values import get_argument_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

PROMPT = "answers at once"


class SupportsSyncAccess(Protocol):
    """A context that prompt resolvers can be called with."""

    def at_once(self) -> Any:
        """The same context, but what would have to be waited for raises."""
        ...


class ResolverInfo:
    """What a prompt resolver sees of one operation, in place of Strawberry's `Info`."""

    __slots__ = ("arguments", "context", "hide_suggestions", "schema", "variables")

    def __init__(self, context: Any, executor: Executor[Any]) -> None:
        """Without the executor, which keeps it: a circle would keep all that the operation has read, too."""
        self.context = context
        self.schema: Any = executor.schema._strawberry_schema  # type: ignore[attr-defined]
        self.variables = executor.variable_values
        self.hide_suggestions = executor.hide_suggestions
        self.arguments: dict[int, Mapping[str, Any]] = {}
        """Of each prompt field, by the id of its node, as its resolver takes them."""


def glance(executor: Executor[Any]) -> ResolverInfo | None:
    """None for a context that must be waited for."""
    context = executor.context_value
    return ResolverInfo(context.at_once(), executor) if is_hasty(context) else None


def is_hasty(context: Any) -> TypeGuard[SupportsSyncAccess]:
    return hasattr(context, "at_once")


def is_prompt(definition: StrawberryField) -> bool:
    """Permissions are extensions, too."""
    resolver = definition.base_resolver
    if not definition.metadata.get(PROMPT) or definition.extensions:
        return False
    return resolver is not None and not resolver.is_async


def reader(field: GraphQLField, definition: StrawberryField, node: FieldNode) -> Callable[[Any, ResolverInfo], Any]:
    """Calls the resolver as Strawberry does. Raises what it raises, and what is wrong with its arguments."""
    resolver = definition.base_resolver
    assert resolver is not None, "a prompt field has a resolver"
    resolve: Any = resolver.wrapped_func
    place = id(node)
    sources = [parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter]
    info = resolver.info_parameter.name if resolver.info_parameter else None
    positional = bool(resolver.self_parameter)

    def read(source: Any, glance: ResolverInfo) -> Any:
        known = glance.arguments.get(place)
        if known is None:
            known = glance.arguments[place] = _arguments(field, definition, node, glance)
        given = {**known, **dict.fromkeys(sources, source)}
        if info is not None:
            given[info] = glance
        return resolve(source, **given) if positional else resolve(**given)

    return read


def _arguments(
    field: GraphQLField, definition: StrawberryField, node: FieldNode, glance: ResolverInfo
) -> Mapping[str, Any]:
    values = get_argument_values(field, node, glance.variables, hide_suggestions=glance.hide_suggestions)
    scalars = glance.schema.schema_converter.scalar_registry
    return convert_arguments(values, definition.arguments, scalars, glance.schema.config)

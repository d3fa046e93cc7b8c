"""Runs one operation on an execution context and writes down all that a client could tell apart."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution import experimental_execute_incrementally, subscribe
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

Context = type[StrawberryGraphQLCoreExecutionContext]
STOCK: Context = StrawberryGraphQLCoreExecutionContext
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


async def outcome(
    context: Context,
    schema: GraphQLSchema,
    document: DocumentNode,
    context_value: Any,
    variables: Mapping[str, Any] | None = None,
    *,
    early: bool = False,
) -> list[str]:
    """Each result of the operation in writing, in order; `early` starts deferred parts before they are due."""
    arguments = {
        "context_value": context_value,
        "variable_values": dict(variables or {}),
        "executor_class": context,
        "enable_early_execution": early,
    }
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    if operation.operation is OperationType.SUBSCRIPTION:
        result: Any = subscribe(schema, document, **arguments)
    else:
        result = experimental_execute_incrementally(
            schema, document, is_awaitable=optimized_is_awaitable, **arguments
        )
    if isawaitable(result):
        result = await result
    return [written(frame) async for frame in frames(result)]


async def frames(result: Any) -> AsyncIterator[Any]:
    """A plain result is one frame, a deferred one its initial frame and the later ones, a subscription its events."""
    if isinstance(result, ExecutionResult):
        yield result
        return
    if hasattr(result, "initial_result"):
        yield result.initial_result
        result = result.subsequent_results
    async for frame in result:
        yield frame


def written(frame: Any) -> str:
    """Tells 1 from 1.0 and True, a tuple from a list, one order of keys from another, and by what an error was caused."""
    causes = [repr(error.original_error) for error in getattr(frame, "errors", None) or ()]
    return ADDRESS.sub("", f"{frame.formatted!r} {causes}")

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
) -> list[str]:
    """Each result of the operation in writing, in order; for some data graphql-core gives none, but raises."""
    arguments = {"context_value": context_value, "variable_values": dict(variables or {}), "executor_class": context}
    try:
        return [written(frame) async for frame in frames(await started(schema, document, arguments))]
    except Exception as error:
        return [f"raised {ADDRESS.sub('', repr(error))}"]


async def started(schema: GraphQLSchema, document: DocumentNode, arguments: dict[str, Any]) -> Any:
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    if operation.operation is OperationType.SUBSCRIPTION:
        result: Any = subscribe(schema, document, **arguments)
    else:
        arguments["is_awaitable"] = optimized_is_awaitable
        result = experimental_execute_incrementally(schema, document, **arguments)
    return await result if isawaitable(result) else result


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
    """Tells 1 from 1.0 and True, a tuple from a list, one order of keys from another, and what caused an error."""
    causes = [repr(error.original_error) for error in getattr(frame, "errors", None) or ()]
    return ADDRESS.sub("", f"{frame.formatted!r} {causes}")

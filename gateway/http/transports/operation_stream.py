"""Operations as streams of payloads, for all transports that send more than one message."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gateway.errors import AnswerTooLarge
from gateway.events import Hook
from gateway.execution.sizes import LARGEST, is_larger
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest
from gateway.operations.billing import report
from gateway.operations.extensions import as_graphql_error, format_error
from gateway.operations.persisted_queries import PersistedQueries
from gateway.scheduling import FairScheduler
from schema.build import Schema
from schema.context import Context

ResultStream: TypeAlias = AsyncGenerator[Any, None]
Payload: TypeAlias = Mapping[str, Any]
READS = frozenset({OperationType.QUERY})
READS_AND_WRITES = READS | {OperationType.MUTATION}
QUERY_OR_SUBSCRIPTION = READS | {OperationType.SUBSCRIPTION}
EVERYTHING = READS_AND_WRITES | QUERY_OR_SUBSCRIPTION


class OperationRunner:
    """The runner of operations. `context` returns the context of an operation, or raises a GatewayError."""

    def __init__(
        self,
        schema: Schema,
        stored: PersistedQueries,
        context: Callable[[RequestOptions], Context],
        hook: Hook,
        scheduler: FairScheduler,
    ) -> None:
        self.schema = schema
        self.stored = stored
        self.context = context
        self.hook = hook
        self.scheduler = scheduler

    async def start(self, params: GraphQLRequest, context: Context, allowed: frozenset[OperationType]) -> ResultStream:
        """Start an operation, and return the stream of its results; a single result is a stream of one."""
        frames: Any = await self.schema.stream(
            params.query,
            dict(params.variables or {}),
            context_value=context,
            operation_name=params.operation_name,
            operation_extensions=dict(params.extensions),
            allowed_operation_types=allowed,
        )
        return frames  # type: ignore[no-any-return]

    async def payloads(
        self, params: GraphQLRequest, context: Context, allowed: frozenset[OperationType]
    ) -> AsyncGenerator[Payload, None]:
        """Yield the payloads of an operation. Any error becomes a payload."""
        try:
            async with aclosing(await self.start(params, context, allowed)) as frames:
                async for frame in frames:
                    yield payload(frame, context)
        except Exception as problem:  # also a bug in an event hook, which no extension masks
            yield self.refusal(problem)
        else:
            self.stored.remember(params.query or "", params.extensions)

    def refusal(self, problem: Exception) -> Payload:
        """Return `problem` as a payload; internal errors are masked."""
        return {"errors": [format_error(as_graphql_error(problem), self.hook).formatted]}


def payload(frame: Any, context: Context) -> Payload:
    """Return a result, or a part of one, as a payload. Raises AnswerTooLarge for a part that is too large."""
    if isinstance(frame, ExecutionResult):
        result = _result(frame)
        return too_large(result.get("extensions")) if is_larger(result) else result
    part: Payload = frame.formatted
    if is_larger(part):
        raise AnswerTooLarge(LARGEST)
    # The bill is complete only in the last part.
    return part if frame.has_next else {**part, "extensions": report(context)}


def too_large(extensions: Any) -> Payload:
    """Return the payload that replaces a result that is too large; its cost is still billed."""
    errors = [as_graphql_error(AnswerTooLarge(LARGEST)).formatted]
    return {"errors": errors, "extensions": extensions} if extensions else {"errors": errors}


def executed(result: ExecutionResult) -> bool:
    """Return whether the operation was executed: a request error has no path, and then `data` is absent, not null."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())


def _result(result: ExecutionResult) -> Payload:
    members: dict[str, Any] = {"data": result.data} if executed(result) else {}
    if result.errors:
        members["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        members["extensions"] = result.extensions
    return members

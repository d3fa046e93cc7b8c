"""Operations as streams of payloads, for all transports that send more than one message."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gateway.errors import AnswerTooLarge, GatewayError
from gateway.events import Hook
from gateway.execution.sizes import LARGEST, is_larger
from gateway.http.request_options import RequestOptions
from gateway.http.request_parsing import GraphQLRequest
from gateway.operations.billing import report
from gateway.operations.error_payloads import error_payload, part_payload
from gateway.operations.extensions import as_graphql_error, format_error
from gateway.operations.incremental_delivery import is_subscription
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.running import RunningOperation, RunningOperations
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
        running: RunningOperations,
    ) -> None:
        self.schema = schema
        self.stored = stored
        self.context = context
        self.hook = hook
        self.scheduler = scheduler
        self.running = running

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
        self,
        params: GraphQLRequest,
        context: Context,
        allowed: frozenset[OperationType],
        operation: RunningOperation,
    ) -> AsyncGenerator[Payload, None]:
        """Yield the payloads of an operation. Any error becomes a payload."""
        try:
            async with aclosing(await self.start(params, context, allowed)) as frames:
                async for frame in frames:
                    yield operation.noted(payload(frame, context))
        except Exception as problem:  # also a bug in an event hook, which no extension masks
            yield self.refusal(problem, operation)
        else:
            self.stored.remember(params.query or "", params.extensions)

    def is_subscription(self, params: GraphQLRequest) -> bool:
        """Return whether an operation that was started is a subscription. False until it is validated."""
        try:
            text = self.stored.text(params.query, params.document_id, params.extensions)
        except GatewayError:
            return False
        return is_subscription(self.stored.documents, text, None, params.operation_name)

    def refusal(self, problem: Exception, operation: RunningOperation) -> Payload:
        """Return `problem` as a payload; internal errors are masked."""
        return operation.noted({"errors": [error_payload(format_error(as_graphql_error(problem), self.hook))]})


def payload(frame: Any, context: Context) -> Payload:
    """Return a result, or a part of one, as a payload. Raises AnswerTooLarge for a part that is too large."""
    if isinstance(frame, ExecutionResult):
        result = _result(frame)
        return too_large(result.get("extensions")) if is_larger(result) else result
    part: Payload = part_payload(frame.formatted)
    if is_larger(part):
        raise AnswerTooLarge(LARGEST)
    # The bill is complete only in the last part.
    return part if frame.has_next else {**part, "extensions": report(context)}


def too_large(extensions: Any) -> Payload:
    """Return the payload that replaces a result that is too large; its cost is still billed."""
    errors = [error_payload(as_graphql_error(AnswerTooLarge(LARGEST)))]
    return {"errors": errors, "extensions": extensions} if extensions else {"errors": errors}


def executed(result: ExecutionResult) -> bool:
    """Return whether the operation was executed: a request error has no path, and then `data` is absent, not null."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())


def _result(result: ExecutionResult) -> Payload:
    members: dict[str, Any] = {"data": result.data} if executed(result) else {}
    if result.errors:
        members["errors"] = [error_payload(error) for error in result.errors]
    if result.extensions:
        members["extensions"] = result.extensions
    return members

"""Strawberry extensions that run around each operation: document, rights, purchases, errors, billing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
)
from graphql import OperationType as Operation
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from gateway.clients import Right
from gateway.errors import Forbidden, GatewayError, InvalidInput, MethodNotAllowed, NotAcceptable
from gateway.events import Hook, InternalErrorMasked
from gateway.operations import incremental_delivery, work
from gateway.operations.billing import report
from gateway.operations.client_errors import bounded, coerced
from gateway.operations.cost import check_cost
from gateway.operations.documents import Document, DocumentCache, operations
from gateway.operations.limits import check_document
from gateway.operations.parsing import parsed
from gateway.operations.required_rights import check_rights
from gateway.operations.selection_analysis import analyze
from gateway.operations.validation import problems
from gateway.scheduling import SLICE
from gateway.tracebacks import forget_frames
from schema.context import Context

NAMELESS = "operationName must name one of the document's operations."
IN_PARTS = (
    "@defer and @stream need Accept: multipart/mixed or text/event-stream, with incrementalSpec=v0.2 or "
    "deferSpec=20220824 if the form of the parts is named."
)
# The errors that Strawberry raises when there is nothing to execute.
UNRUNNABLE = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class PrepareOperation(SchemaExtension):
    """Parse and validate each document once, check the client's rights, and fetch ahead the data of the operation."""

    def __init__(self, documents: DocumentCache) -> None:
        self.documents = documents
        self.document: Document | None = None
        self.refusal: GraphQLError | None = None
        """The error if the text was not parsed."""

    @property
    def context(self) -> Context:
        context: Context = self.execution_context.context
        return context

    async def on_parse(self) -> AsyncIterator[None]:
        run = self.execution_context
        text = run.query or ""
        early = self.context.parsed
        self.document = self.documents.find(text)
        if self.document is None and early is None:
            await self.context.fetcher.share.take(work.of_text(text))
            self.document = self.documents.find(text)  # another operation may have cached it meanwhile
        try:
            if isinstance(early, GraphQLError):
                raise early
            run.graphql_document = self.document.node if self.document else early or parsed(text)
            self.context.head.read(run.graphql_document, run._provided_operation_name)
        except GraphQLError as error:
            self.refusal = error
            run.graphql_document = _substitute(run._provided_operation_name)
        yield

    def on_validate(self) -> Iterator[None]:
        run = self.execution_context
        if run.graphql_document is not None:
            run.pre_execution_errors = self._problems(run.graphql_document)
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            await self._prepare()
        except Exception as problem:
            several = problem.exceptions if isinstance(problem, ExceptionGroup) else (problem,)
            if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
                raise several[0] from None  # a stream has no result before its first event, and masks errors
            # Errors become a normal result: an exception raised out of a hook would reach the client unmasked, bugs
            # included.
            self.execution_context.result = ExecutionResult(None, [as_graphql_error(one) for one in several])
        yield

    def get_results(self) -> dict[str, Any]:
        return report(self.context)

    def _problems(self, node: DocumentNode) -> list[GraphQLError]:
        """Return the errors that prevent execution. Cache the document if there are none."""
        if self.refusal is not None:
            return [self.refusal]
        run = self.execution_context
        # Strawberry would take the first operation; the GraphQL specification requires a name.
        if run._provided_operation_name is None and len(operations(node)) > 1:
            return [as_graphql_error(InvalidInput(NAMELESS, field="operationName"))]
        if self.document is not None:
            return []
        try:
            check_document(node)
        except GraphQLError as refusal:
            return [refusal]
        suggest = Right.INTROSPECT in self.context.client.rights
        found = problems(run.schema._schema, node, suggest=suggest)
        if not found:
            self.document = self.documents.keep(run.schema._schema, run.query or "", node)
        return found

    async def _prepare(self) -> None:
        self._check_rights()
        run = self.execution_context
        assert run.graphql_document is not None
        # The cost comes first: it reads only the lengths of lists.
        keys = self.context.keys
        check_cost(run.schema._schema, run.graphql_document, run.operation_name, run.variables, keys)
        await self._take(work.of_variables(run.variables))
        self._check_variables(run.graphql_document)
        self._check_form(run.graphql_document)
        await self._take(2 * keys.count)
        roots = analyze(run.schema._schema, run.graphql_document, run.operation_name, run.variables)
        roots = tuple(root.of_accounts(self.context.accounts) for root in roots)
        self.context.head.is_accepted = True
        await self.context.fetcher.prepare(roots)
        await self.context.fetcher.appraise()
        introspects = self.document is not None and self.document.introspects
        await self._take(SLICE if introspects else keys.count)
        if self.context.room is not None:
            await self.context.room()

    async def _take(self, amount: int) -> None:
        if amount > work.LONG:
            await self.context.fetcher.share.take(amount)

    def _check_rights(self) -> None:
        rights, run = self.context.client.rights, self.execution_context
        assert run.graphql_document is not None
        check_rights(run.schema._schema, run.graphql_document, run.operation_name, rights)
        if self.document is not None and self.document.introspects and Right.INTROSPECT not in rights:
            raise Forbidden("This client lacks the right `introspect`.", right=Right.INTROSPECT.value)

    def _check_variables(self, document: DocumentNode) -> None:
        """Raise an ExceptionGroup of GraphQLErrors.

        Execution would report more errors, and would suggest names to clients without the right to introspect.
        """
        run = self.execution_context
        operation = get_operation_ast(document, run.operation_name)
        if operation is None:
            return
        suggest = Right.INTROSPECT in self.context.client.rights
        values = coerced(run.schema._schema, operation, run.variables, suggest=suggest)
        if isinstance(values, list):
            raise ExceptionGroup("variables are invalid", values)

    def _check_form(self, document: DocumentNode) -> None:
        run = self.execution_context
        if self.context.streams or not incremental_delivery.may_defer(run.query or ""):
            return
        if incremental_delivery.uses_defer_or_stream(run.schema._schema, document, run.operation_name, run.variables):
            raise NotAcceptable(IN_PARTS)


def _substitute(operation_name: str | None) -> DocumentNode:
    """Return an empty document in place of a text that must not be parsed.

    Without a tree Strawberry would parse the text itself, without limits.
    """
    name = None if operation_name is None else NameNode(value=operation_name)
    query = OperationDefinitionNode(operation=Operation.QUERY, name=name, selection_set=SelectionSetNode(selections=()))
    return DocumentNode(definitions=(query,))


class FormatErrors(MaskErrors):
    """Give every error a code, and mask bugs behind an id that the log also contains."""

    def __init__(self, hook: Hook) -> None:
        super().__init__(should_mask_error=lambda error: True)
        self.hook = hook

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return format_error(error, self.hook)


def format_error(error: GraphQLError, hook: Hook) -> GraphQLError:
    """Return `error` in the form that the client may see. Idempotent. The traceback is dropped: see `forget_frames`."""
    shown = bounded(_masked(error, hook))
    forget_frames(error)
    return shown


def _masked(error: GraphQLError, hook: Hook) -> GraphQLError:
    cause = unwrap(error)
    if isinstance(cause, GatewayError) or (cause is None and "code" in (error.extensions or {})):
        return error
    if isinstance(cause, UNRUNNABLE):
        return as_graphql_error(_unrunnable(cause))
    if cause is None:
        return _with_code(error, "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else _code_of(error))
    bug = secrets.token_hex(8)
    hook(InternalErrorMasked(bug, cause))
    masked = GraphQLError(f"Internal error {bug}.", nodes=error.nodes, path=error.path)
    return _with_code(masked, "INTERNAL_SERVER_ERROR", id=bug)


def unwrap(error: GraphQLError) -> Exception | None:
    """Return the exception below all GraphQL errors that wrap it, or None."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def as_graphql_error(problem: Exception) -> GraphQLError:
    """Return `problem` as an error of the whole response, unless it is a GraphQLError already."""
    return problem if isinstance(problem, GraphQLError) else GraphQLError(str(problem), original_error=problem)


def _unrunnable(problem: Exception) -> GatewayError:
    if isinstance(problem, MissingQueryError):
        return InvalidInput("query must be a GraphQL document: it is empty.", field="query")
    if isinstance(problem, CannotGetOperationTypeError):
        return InvalidInput(NAMELESS, field="operationName")
    if isinstance(problem, InvalidOperationTypeError) and problem.operation_type is OperationType.MUTATION:
        return MethodNotAllowed("A mutation must be sent by POST.", allow="POST")
    return InvalidInput("This endpoint does not accept this type of operation.", field="query")


def _code_of(error: GraphQLError) -> str:
    """Return the code of an error raised by GraphQL itself: in execution if it has a path, otherwise in validation."""
    return "BAD_USER_INPUT" if error.path else "GRAPHQL_VALIDATION_FAILED"


def _with_code(error: GraphQLError, code: str, **more: object) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code, **more}
    return error

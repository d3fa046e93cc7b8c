"""What happens around each operation, on every transport: its document, its rights, its purchases, its errors, its bill."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.types.graphql import OperationType

from gateway.clients import Right
from gateway.errors import Forbidden, GatewayError
from gateway.events import BugMasked, Hook
from gateway.operations.billing import report
from gateway.operations.documents import Document, Documents
from gateway.operations.needs import needs
from schema.context import Context

RIGHTS = {
    OperationType.QUERY: Right.READ,
    OperationType.SUBSCRIPTION: Right.READ,
    OperationType.MUTATION: Right.WRITE,
}


class Preparation(SchemaExtension):
    """Parses and validates a document once, checks the client's rights, and buys ahead what the operation needs."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.document: Document | None = None

    @property
    def context(self) -> Context:
        context: Context = self.execution_context.context
        return context

    def on_parse(self) -> Iterator[None]:
        self.document = self.documents.find(self.execution_context.query or "")
        if self.document is not None:
            self.execution_context.graphql_document = self.document.node
        yield

    def on_validate(self) -> Iterator[None]:
        run = self.execution_context
        if self.document is not None:
            run.pre_execution_errors = []
        yield
        if self.document is None and not run.pre_execution_errors and run.graphql_document is not None:
            self.document = self.documents.keep(run.query or "", run.graphql_document)

    async def on_execute(self) -> AsyncIterator[None]:
        self._check_rights()
        run = self.execution_context
        assert run.graphql_document is not None
        roots = needs(run.schema._schema, run.graphql_document, run.operation_name, run.variables)
        await self.context.buyer.prepare(roots)
        yield

    def get_results(self) -> dict[str, Any]:
        return report(self.context)

    def _check_rights(self) -> None:
        rights = self.context.client.rights
        needed = RIGHTS[self.execution_context.operation_type]
        if needed not in rights:
            raise Forbidden(f"This client lacks the right `{needed.value}`.", right=needed.value)
        if self.document is not None and self.document.introspects and Right.INTROSPECT not in rights:
            raise Forbidden("This client lacks the right `introspect`.", right=Right.INTROSPECT.value)


class Errors(MaskErrors):
    """Gives every error a code, and hides bugs behind an id that the log has too."""

    def __init__(self, hook: Hook) -> None:
        super().__init__(should_mask_error=lambda error: True)
        self.hook = hook

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return presentable(error, self.hook)


def presentable(error: GraphQLError, hook: Hook) -> GraphQLError:
    """`error` as the client may see it."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, GatewayError) or (cause is None and "code" in (error.extensions or {})):
        return error
    if cause is None:
        return _coded(error, "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else _code_of(error))
    bug = secrets.token_hex(8)
    hook(BugMasked(bug, cause))
    masked = GraphQLError(f"Internal error {bug}.", nodes=error.nodes, path=error.path)
    return _coded(masked, "INTERNAL_SERVER_ERROR", id=bug)


def _code_of(error: GraphQLError) -> str:
    """Without a cause of ours an error is GraphQL's own: of execution, which has a path, or of validation."""
    return "BAD_USER_INPUT" if error.path else "GRAPHQL_VALIDATION_FAILED"


def _coded(error: GraphQLError, code: str, **more: object) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code, **more}
    return error

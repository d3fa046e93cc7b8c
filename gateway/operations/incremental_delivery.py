"""Detection of operations that are answered by more than one message: subscriptions, `@defer` and `@stream`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLSchema,
    GraphQLStreamDirective,
    OperationType,
    get_operation_ast,
)
from graphql.execution.values import get_directive_values

from gateway.operations import work
from gateway.operations.client_errors import coerced
from gateway.operations.documents import DocumentCache
from gateway.operations.parsing import parsed
from gateway.scheduling import TimeShare
from schema.context import Parsed

DIRECTIVES = {directive.name: directive for directive in (GraphQLDeferDirective, GraphQLStreamDirective)}


async def parsed_early(documents: DocumentCache, text: str, share: TimeShare) -> Parsed | None:
    """Parse a text that may contain a subscription. Return None if the keyword is missing or the document is cached."""
    if OperationType.SUBSCRIPTION.value not in text or documents.find(text) is not None:
        return None
    await share.take(work.of_text(text))
    try:
        return parsed(text)
    except GraphQLError as problem:
        return problem


def is_subscription(documents: DocumentCache, text: str, early: Parsed | None, operation_name: str | None) -> bool:
    """Return whether the operation is a subscription; False for a document that cannot be executed."""
    if OperationType.SUBSCRIPTION.value not in text:
        return False
    known = documents.find(text)
    node = known.node if known else early
    operation = get_operation_ast(node, operation_name) if isinstance(node, DocumentNode) else None
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def may_defer(text: str) -> bool:
    """Return False only for a document without these directives. A cheap text search: white space may follow the @."""
    return "@" in text and any(name in text for name in DIRECTIVES)


def uses_defer_or_stream(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any] | None
) -> bool:
    """Return whether any `@defer` or `@stream` of a valid document is switched on."""
    operation = get_operation_ast(document, operation_name)
    found = list(_directives(document))
    if operation is None or not found:
        return False
    values = coerced(schema, operation, variables, suggest=False)
    return not isinstance(values, list) and any(_is_on(node, parent, values) for node, parent in found)


def _is_on(node: DirectiveNode, parent: Any, values: Any) -> bool:
    try:
        arguments = get_directive_values(DIRECTIVES[node.name.value], parent, values)
    except GraphQLError:
        return False  # execution says why
    return bool(arguments and arguments["if"])


def _directives(document: DocumentNode) -> Iterator[tuple[DirectiveNode, Any]]:
    """Yield each `@defer` and `@stream` with the node that carries it.

    A visitor of graphql-core would leave reference cycles to the garbage collector.
    """
    pending: list[Any] = list(document.definitions)
    while pending:
        node = pending.pop()
        for directive in node.directives or ():
            if directive.name.value in DIRECTIVES:
                yield directive, node
        if (below := getattr(node, "selection_set", None)) is not None:
            pending += below.selections

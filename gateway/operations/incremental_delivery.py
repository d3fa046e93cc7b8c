"""Whether an operation is answered by more than one message."""

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
    """A text that may have a subscription, parsed. None where the word is missing, and for a document that is known."""
    if OperationType.SUBSCRIPTION.value not in text or documents.find(text) is not None:
        return None
    await share.take(work.of_text(text))
    try:
        return parsed(text)
    except GraphQLError as problem:
        return problem


def is_subscription(documents: DocumentCache, text: str, early: Parsed | None, operation_name: str | None) -> bool:
    """Whether the operation is a subscription; false for what could not be run."""
    if OperationType.SUBSCRIPTION.value not in text:
        return False
    known = documents.find(text)
    node = known.node if known else early
    operation = get_operation_ast(node, operation_name) if isinstance(node, DocumentNode) else None
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def may_defer(text: str) -> bool:
    """Cheap; false only for a document that has none (white space may stand after the @)."""
    return "@" in text and any(name in text for name in DIRECTIVES)


def uses_defer_or_stream(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any] | None
) -> bool:
    """Whether any of a valid document's `@defer` and `@stream` is switched on."""
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
    """`@defer` and `@stream`, each with the selection that it stands at. A visitor of graphql-core's would be left to
    the garbage collector."""
    ahead: list[Any] = list(document.definitions)
    while ahead:
        node = ahead.pop()
        for directive in node.directives or ():
            if directive.name.value in DIRECTIVES:
                yield directive, node
        if (below := getattr(node, "selection_set", None)) is not None:
            ahead += below.selections

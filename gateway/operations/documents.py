"""Documents, parsed and validated once."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_operation_ast,
)

from gateway.errors import InvalidInput
from gateway.execution.compilation_cache import tree_size
from gateway.operations.client_errors import bounded, coerced
from gateway.operations.cost import check_cost
from gateway.operations.limits import check_document
from gateway.operations.parsing import parsed
from gateway.operations.selection_analysis import analyze
from gateway.operations.sharing import is_shared
from gateway.operations.validation import problems
from gateway.planner.estimator import Estimate, Pricer
from gateway.planner.resolved_data import OperationData
from gateway.planner.selection import Selection

KEPT = 2**24  # bytes of all documents
LONGEST_KEPT = 20_000  # characters
# How often a text is kept with its tree: the values of comments and strings are parts of it.
TEXTS = 3
INTROSPECTION = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document.

    `introspects`: it asks about the schema rather than for data. `shared`: its answers are the same for every client
    that may have them. `variables` are those that its operations declare. `size` is in bytes.
    """

    node: DocumentNode
    introspects: bool
    shared: bool
    variables: frozenset[str]
    size: int


class DocumentCache:
    """Only valid documents are kept, so nonsense cannot push them out. They take at most `max_bytes`."""

    def __init__(self, max_bytes: int = KEPT) -> None:
        self._known: LRUCache[str, Document] = LRUCache(max_bytes, getsizeof=lambda document: document.size)

    def find(self, text: str) -> Document | None:
        return self._known.get(text)

    def keep(self, schema: GraphQLSchema, text: str, node: DocumentNode) -> Document:
        """`node` is `text`, parsed, and valid."""
        shared = is_shared(schema, node)
        introspects = not shared and not INTROSPECTION.isdisjoint(_field_names(node))
        document = Document(node, introspects, shared, _variables(node), _size(text, node))
        if len(text) <= LONGEST_KEPT and document.size <= self._known.maxsize:
            self._known[text] = document
        return document


def operations(node: DocumentNode) -> list[OperationDefinitionNode]:
    return [definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)]


def quote(
    schema: GraphQLSchema,
    documents: DocumentCache,
    pricer: Pricer,
    facts: OperationData,
    text: str,
    variables: Mapping[str, Any] | None,
    operation_name: str | None,
) -> Estimate:
    """The price of the operation, given `facts`. Raises as `priced` does."""
    return pricer.estimate(priced(schema, documents, text, variables, operation_name), facts)


def priced(
    schema: GraphQLSchema,
    documents: DocumentCache,
    text: str,
    variables: Mapping[str, Any] | None,
    operation_name: str | None,
    *,
    accounts: Sequence[str] = (),
) -> tuple[Selection, ...]:
    """What there is to price of the operation, for a client that may publish for `accounts`.

    Raises InvalidInput for a document that could not be run, and a GraphQLError for one that is too complex.
    """
    document = documents.find(text) or documents.keep(schema, text, _valid(schema, text))
    check_cost(schema, document.node, operation_name, variables)
    _check_runnable(schema, document.node, operation_name, variables)
    roots = analyze(schema, document.node, operation_name, dict(variables or {}))
    return tuple(root.of_accounts(accounts) for root in roots)


def _check_runnable(
    schema: GraphQLSchema, node: DocumentNode, operation_name: str | None, variables: Mapping[str, Any] | None
) -> None:
    operation = get_operation_ast(node, operation_name)
    if operation is None:
        raise InvalidInput("operationName must name one of the document's operations.", field="operationName")
    values = coerced(schema, operation, variables, suggest=False)
    if isinstance(values, list):
        raise InvalidInput(f"variables do not fit: {bounded(values[0]).message}", field="variables")


def _valid(schema: GraphQLSchema, text: str) -> DocumentNode:
    try:
        node = parsed(text)
    except GraphQLSyntaxError as error:
        raise _unpriceable(error) from error
    check_document(node)
    if errors := problems(schema, node, suggest=False):
        raise _unpriceable(errors[0])
    return node


def _unpriceable(error: GraphQLError) -> InvalidInput:
    return InvalidInput(f"document cannot be priced: {bounded(error).message}", field="document")


def _size(text: str, node: DocumentNode) -> int:
    return tree_size(node) + TEXTS * sys.getsizeof(text)


def _variables(node: DocumentNode) -> frozenset[str]:
    declared = (definition for operation in operations(node) for definition in operation.variable_definitions or ())
    return frozenset(definition.variable.name.value for definition in declared)


def _field_names(node: DocumentNode) -> set[str]:
    """Of all fields, wherever they stand: graphql-core's visitor takes five times as long."""
    names = set()
    ahead: list[Any] = list(node.definitions)
    while ahead:
        below = getattr(ahead.pop(), "selection_set", None)
        for selection in below.selections if below else ():
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            ahead.append(selection)
    return names

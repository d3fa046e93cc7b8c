"""The cache of parsed and validated documents, and the pricing of a document."""

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

MAX_BYTES = 2**24  # bytes of all documents
MAX_CHARACTERS = 20_000  # characters
# Copies of a text that its tree holds: the values of comments and strings are parts of it.
TEXTS = 3
INTROSPECTION = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document.

    `introspects`: it queries the schema rather than data. `shared`: its responses are the same for all clients that may
    read them. `variables` are those that its operations declare. `size` is in bytes.
    """

    node: DocumentNode
    introspects: bool
    shared: bool
    variables: frozenset[str]
    size: int


class DocumentCache:
    """An LRU cache of valid documents of at most `max_bytes`.

    Invalid documents are not cached, so they evict nothing.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._known: LRUCache[str, Document] = LRUCache(max_bytes, getsizeof=lambda document: document.size)

    @property
    def size(self) -> int:
        """The size in bytes, estimated."""
        return int(self._known.currsize)

    def find(self, text: str) -> Document | None:
        return self._known.get(text)

    def keep(self, schema: GraphQLSchema, text: str, node: DocumentNode) -> Document:
        """Cache and return the document for `text`. `node` is the parsed, valid tree of `text`."""
        shared = is_shared(schema, node)
        introspects = not shared and not INTROSPECTION.isdisjoint(_field_names(node))
        document = Document(node, introspects, shared, _variables(node), _size(text, node))
        if len(text) <= MAX_CHARACTERS and document.size <= self._known.maxsize:
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
    """Return the price of the operation, given `facts`. Raise the same errors as `priced`."""
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
    """Return the selections of the operation to price, for a client that may publish for `accounts`.

    Raise InvalidInput for a document that cannot be executed, and a GraphQLError for one that is too complex.
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
        raise InvalidInput(f"variables are invalid: {bounded(values[0]).message}", field="variables")


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
    return InvalidInput(f"document is invalid: {bounded(error).message}", field="document")


def _size(text: str, node: DocumentNode) -> int:
    return tree_size(node) + TEXTS * sys.getsizeof(text)


def _variables(node: DocumentNode) -> frozenset[str]:
    declared = (definition for operation in operations(node) for definition in operation.variable_definitions or ())
    return frozenset(definition.variable.name.value for definition in declared)


def _field_names(node: DocumentNode) -> set[str]:
    """Return the names of all fields at any depth. graphql-core's visitor takes five times as long."""
    names = set()
    pending: list[Any] = list(node.definitions)
    while pending:
        below = getattr(pending.pop(), "selection_set", None)
        for selection in below.selections if below else ():
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            pending.append(selection)
    return names

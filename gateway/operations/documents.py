"""Documents, parsed and validated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLSchema, Visitor, parse, specified_rules, visit
from strawberry.schema.schema import validate_document

from gateway.errors import InvalidInput
from gateway.operations.needs import needs
from gateway.planner.knowledge import Facts
from gateway.planner.price import Estimate, Pricer

# Each keeps its syntax tree, some fifty times the size of its text.
KEPT = 1_000
LONGEST_KEPT = 20_000  # characters
INTROSPECTION = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document. `introspects`: it asks about the schema rather than for data."""

    node: DocumentNode
    introspects: bool


class Documents:
    """Only valid documents are kept, so nonsense cannot push them out."""

    def __init__(self) -> None:
        self._known: LRUCache[str, Document] = LRUCache(KEPT)

    def find(self, text: str) -> Document | None:
        return self._known.get(text)

    def keep(self, text: str, node: DocumentNode) -> Document:
        """`node` is `text`, parsed, and valid."""
        document = Document(node, _introspects(node))
        if len(text) <= LONGEST_KEPT:
            self._known[text] = document
        return document


def quote(
    schema: GraphQLSchema,
    documents: Documents,
    pricer: Pricer,
    facts: Facts,
    text: str,
    variables: Mapping[str, Any] | None,
    operation_name: str | None,
) -> Estimate:
    """The price of the operation, given `facts`. Raises InvalidInput for a document that could not be run."""
    document = documents.find(text) or documents.keep(text, _valid(schema, text))
    roots = needs(schema, document.node, operation_name, dict(variables or {}))
    return pricer.estimate(roots, facts)


def _valid(schema: GraphQLSchema, text: str) -> DocumentNode:
    try:
        node = parse(text)
        errors = validate_document(schema, node, specified_rules)
    except GraphQLError as error:
        errors = [error]
    if errors:
        raise InvalidInput(f"document cannot be priced: {errors[0].message}", field="document")
    return node


def _introspects(node: DocumentNode) -> bool:
    finder = _IntrospectionFinder()
    visit(node, finder)
    return finder.found


class _IntrospectionFinder(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found |= node.name.value in INTROSPECTION

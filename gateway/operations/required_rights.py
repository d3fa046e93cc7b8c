"""The rights that an operation needs: those of its root fields. Fields of a query that name none need one to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
)

from gateway.domain.rights import CONNECTING, ERASING, OPERATING, RIGHTS, WRITING, Right
from gateway.errors import Forbidden
from gateway.execution.leaf_values import metadata_of


def check_rights(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, rights: frozenset[Right]
) -> None:
    """Raise Forbidden if a client with these rights may not run an operation of a valid document."""
    for alternatives in rights_of(schema, document, operation_name):
        if alternatives.isdisjoint(rights):
            names = [right.value for right in Right if right in alternatives]
            shown = " or ".join(f"`{name}`" for name in names)
            raise Forbidden(f"This client lacks the right {shown}.", right=names[0])


def rights_of(schema: GraphQLSchema, document: DocumentNode, operation_name: str | None) -> Iterator[frozenset[Right]]:
    """Yield sets of rights, of each of which the client needs one."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return
    match operation.operation:
        case OperationType.QUERY:
            yield from _of_fields(document, operation, schema.query_type, frozenset({Right.READ}))
        case OperationType.SUBSCRIPTION:
            yield from _of_fields(document, operation, schema.subscription_type, frozenset({Right.READ}))
        case OperationType.MUTATION:
            yield from _of_fields(document, operation, schema.mutation_type, WRITING)
        case _:
            assert_never(operation.operation)


def _of_fields(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    root: GraphQLObjectType | None,
    ordinary: frozenset[Right],
) -> Iterator[frozenset[Right]]:
    """Yield the rights of the root fields, after the `ordinary` ones.

    Only the fields of operators, and those that connect accounts or erase persons, do without these.
    """
    fields = {} if root is None else root.fields
    names = sorted(_root_fields(document, operation.selection_set))
    named = [rights for name in names if name in fields and (rights := metadata_of(fields[name]).get(RIGHTS))]
    if not named or len(named) < len(names) or not all(rights in (OPERATING, CONNECTING, ERASING) for rights in named):
        yield ordinary
    yield from named


def _root_fields(document: DocumentNode, selections: SelectionSetNode) -> set[str]:
    """Return the names of the fields of a root selection, also of those that a directive may leave out."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    names: set[str] = set()
    spread: set[str] = set()
    pending = [selections]
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            elif not isinstance(node, FragmentSpreadNode):
                pending.append(node.selection_set)  # type: ignore[attr-defined]
            elif node.name.value not in spread:
                spread.add(node.name.value)
                pending.append(fragments[node.name.value].selection_set)
    return names

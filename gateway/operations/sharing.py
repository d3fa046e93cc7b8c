"""Detection of documents whose responses are the same for every client."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
)

from gateway.cache.response_cache import SHARED


def is_shared(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Return whether a valid document contains only queries, and selects only shared fields.

    The schema marks each shared field; fields it does not mark or know (introspection included) are private.
    """
    types = schema.type_map
    pending: list[tuple[Any, Any]] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            if definition.operation is not OperationType.QUERY:
                return False
            pending.append((schema.query_type, definition.selection_set))
        elif isinstance(definition, FragmentDefinitionNode):
            pending.append((types.get(definition.type_condition.name.value), definition.selection_set))
    while pending:
        parent, selections = pending.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode) and node.name.value != "__typename":
                field = getattr(parent, "fields", {}).get(node.name.value)  # a union has no fields
                if field is None or SHARED not in field.extensions:
                    return False
                if node.selection_set is not None:
                    pending.append((get_named_type(field.type), node.selection_set))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                pending.append((types.get(condition.name.value) if condition else parent, node.selection_set))
    return True

"""Whether an answer is the same for every client."""

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
    """Whether all operations of a valid document are queries, and all that is selected in them is shared.

    The schema says so on each field; what it does not know (of introspection, too) is private.
    """
    types = schema.type_map
    ahead: list[tuple[Any, Any]] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            if definition.operation is not OperationType.QUERY:
                return False
            ahead.append((schema.query_type, definition.selection_set))
        elif isinstance(definition, FragmentDefinitionNode):
            ahead.append((types.get(definition.type_condition.name.value), definition.selection_set))
    while ahead:
        parent, selections = ahead.pop()
        fields = getattr(parent, "fields", {})  # a union has none
        for node in selections.selections:
            if isinstance(node, FieldNode):
                field = fields.get(node.name.value)
                if field is None and node.name.value == "__typename":
                    continue
                if field is None or SHARED not in field.extensions:
                    return False
                if node.selection_set is not None:
                    ahead.append((get_named_type(field.type), node.selection_set))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                ahead.append((types.get(condition.name.value) if condition else parent, node.selection_set))
    return True

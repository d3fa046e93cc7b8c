"""Fields that return the same to every client, so that a response of only these fields may be cached for all clients.

Nothing is shared without a mark (`metadata={SHARED: True}`): no root field, and below it no field with a resolver,
which may depend on the client. A field without a resolver is part of its object, and as shared as the object. Responses
of mutations and subscriptions are never shared.
"""

from __future__ import annotations

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from gateway.cache.response_cache import SHARED
from gateway.execution.leaf_values import DEFINITION, metadata_of


def mark_shared(core: GraphQLSchema) -> None:
    """Set SHARED in the extensions of the shared fields, where documents are checked against it."""
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_ not in (core.mutation_type, core.subscription_type):
            for field in type_.fields.values():
                if SHARED in metadata_of(field) or (type_ is not core.query_type and _is_part(field)):
                    field.extensions[SHARED] = True
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLInterfaceType):
            for name, field in type_.fields.items():
                if all(SHARED in each.fields[name].extensions for each in core.get_possible_types(type_)):
                    field.extensions[SHARED] = True


def _is_part(field: GraphQLField) -> bool:
    """Return whether the field is read from its object without a resolver."""
    return bool(getattr(field.extensions.get(DEFINITION), "is_basic_field", False))

"""Which fields answer the same to every client, so that an answer of these alone may be kept for all of them.

Nothing is shared unless it says so (`metadata={SHARED: True}`): not a root field, and below it no field with a
resolver, which may see who asks. A field without one is part of its object, and as shared as that. What a mutation or
a subscription answers is never shared.
"""

from __future__ import annotations

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from gateway.cache.response_cache import SHARED
from gateway.execution.leaf_values import DEFINITION, metadata_of


def mark_shared(core: GraphQLSchema) -> None:
    """Puts SHARED among the extensions of these fields, where a document is compared with it."""
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
    """Whether it is read off its object."""
    return bool(getattr(field.extensions.get(DEFINITION), "is_basic_field", False))

"""The interface of the objects that `node` finds by their id alone."""

from __future__ import annotations

from typing import Any

import strawberry

from gateway.errors import InvalidInput
from gateway.reads.facts import NODE_IDS, entity_of_node
from schema.context import Info
from schema.entities import ENTITIES


@strawberry.interface(description="An object that `node` returns for its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="The id; its form tells the type.")


def find_node(info: Info, id: str, *, field: str) -> Any:
    """Return the object that `id` names. Raise InvalidInput for an id of no type, and the object's GatewayError."""
    entity = entity_of_node(id)
    if entity is None:
        raise InvalidInput(f"{field} must be the id of a node: {NODE_IDS}.", field=field)
    return ENTITIES[entity.typename].resolve_reference(info, id, field=field)

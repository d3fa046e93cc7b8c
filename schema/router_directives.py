"""Root types for routers that check rights themselves.

Opt-in, because a router that does not know these directives does not start. The scopes have the names of the clients'
rights. The gateway checks its own rights in any case.
"""

from __future__ import annotations

import copy
from typing import Any

from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.tools import create_type

from gateway.clients import Right

SIGNED_IN = Authenticated()
MAY_WRITE = RequiresScopes(scopes=[[Right.WRITE.value]])


def guarded(root: Any, directive: object) -> type:
    """Return `root` with `directive` on each of its fields."""
    definition = root.__strawberry_definition__
    fields = [_with(field, directive) for field in definition.fields]
    return create_type(definition.name, fields, description=definition.description)


def _with(field: Any, directive: object) -> Any:
    marked = copy.copy(field)
    marked.directives = [*field.directives, directive]
    return marked

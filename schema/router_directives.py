"""Root types for routers that check rights themselves.

Opt-in, because a router that does not know these directives does not start. The scopes have the names of the clients'
rights. The gateway checks its own rights in any case.
"""

from __future__ import annotations

import copy
from typing import Any

from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.tools import create_type

from gateway.domain.rights import RIGHTS

SIGNED_IN = Authenticated()


def guarded(root: Any) -> type:
    """Return `root` with a directive on each of its fields: the rights that it needs, or that a key is needed."""
    definition = root.__strawberry_definition__
    fields = [_guarded(field) for field in definition.fields]
    return create_type(definition.name, fields, description=definition.description)


def _guarded(field: Any) -> Any:
    rights = field.metadata.get(RIGHTS)
    directive = RequiresScopes(scopes=sorted([right.value] for right in rights)) if rights else SIGNED_IN
    marked = copy.copy(field)
    marked.directives = [*field.directives, directive]
    return marked

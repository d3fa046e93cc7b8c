"""The registry of entities: types of the graph that a router may refer to, and the objects that represent them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=type)

ENTITIES: dict[str, Any] = {}
"""The Strawberry types by name."""
_TYPENAMES: dict[type, str] = {}


def entity(*models: type) -> Callable[[T], T]:
    """Register the decorated type as an entity. `models` are the classes of its objects beside the type itself."""

    def register(type_: T) -> T:
        ENTITIES[type_.__name__] = type_
        _TYPENAMES.update(dict.fromkeys((type_, *models), type_.__name__))
        return type_

    return register


def typename_of(source: object) -> str:
    """Return the name of the entity type that `source` is an object of."""
    return next(_TYPENAMES[kind] for kind in type(source).__mro__ if kind in _TYPENAMES)

"""Lists of the query root with one entry for each key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from gateway.errors import GatewayError

K = TypeVar("K")


def each(keys: Iterable[K], find: Callable[[K], Any]) -> list[Any]:
    """Return the result for each key. An error replaces only its own entry."""
    return [_or_error(find, key) for key in keys]


def _or_error(find: Callable[[K], Any], key: K) -> Any:
    try:
        return find(key)
    except GatewayError as problem:
        return problem  # GraphQL execution raises it at this entry

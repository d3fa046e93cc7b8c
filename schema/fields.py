"""Field helpers that declare the planner's metadata, and which responses are the same for every client (`SHARED`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry

from gateway.cache.response_cache import SHARED
from gateway.execution.sync_resolvers import SYNC
from gateway.planner.selection import EDGE, FACT, RESOLVED_LATE, Edge, EdgeOf
from gateway.reads.facts import FactKind

T = TypeVar("T")
R = TypeVar("R")


def field_in(fact: FactKind, description: str, **options: Any) -> Any:
    """Return a field that an upstream response with `fact` contains; plain, or with a synchronous resolver."""
    metadata = {FACT: fact, SYNC: True, SHARED: True}
    return strawberry.field(description=description, metadata=metadata, **options)


def derived(description: str, **options: Any) -> Any:
    """Return a field that a synchronous resolver computes from its object alone."""
    return strawberry.field(description=description, metadata={SYNC: True, SHARED: True}, **options)


def relation(edge: Edge | EdgeOf, description: str, *, shared: bool = False, **options: Any) -> Any:
    """Return a field that leads to another entity by a synchronous resolver. `shared`: the same one for all clients."""
    metadata = {EDGE: edge, SYNC: True} | ({SHARED: True} if shared else {})
    return strawberry.field(description=description, metadata=metadata, **options)


def resolved_late(description: str, **options: Any) -> Any:
    """Return a field whose resolver determines its entity, and then fetches the selection below."""
    return strawberry.field(description=description, metadata={RESOLVED_LATE: True}, **options)


def map_awaitable(value: T | Awaitable[T], use: Callable[[T], R | Awaitable[R]]) -> R | Awaitable[R]:
    """Return `use(value)`, immediately unless `value` must be awaited, which is rare. `use` may return an awaitable."""
    return _map_awaited(value, use) if isinstance(value, Awaitable) else use(value)


async def _map_awaited(value: Awaitable[T], use: Callable[[T], R | Awaitable[R]]) -> R:
    found = use(await value)
    return await found if isinstance(found, Awaitable) else found

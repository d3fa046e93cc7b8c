"""How fields tell the planner what they need, and which answers are the same for every client: see `SHARED`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry

from gateway.cache.response_cache import SHARED
from gateway.execution.sync_resolvers import PROMPT
from gateway.planner.selection import EDGE, FACET, RESOLVED_LATE, FieldGroup, Relation

T = TypeVar("T")
R = TypeVar("R")


def field_in(facet: FieldGroup, description: str, **options: Any) -> Any:
    """A field that arrives with `facet`, in an answer of the upstream: plain, or with a prompt resolver."""
    metadata = {FACET: facet, PROMPT: True, SHARED: True}
    return strawberry.field(description=description, metadata=metadata, **options)


def relation(relation: Relation, description: str, *, shared: bool = False, **options: Any) -> Any:
    """A field that leads to another entity, by a prompt resolver: `shared` if to the same one for every client."""
    metadata = {EDGE: relation, PROMPT: True} | ({SHARED: True} if shared else {})
    return strawberry.field(description=description, metadata=metadata, **options)


def resolved_late(description: str, **options: Any) -> Any:
    """A field that leads to an entity, of which only its resolver knows which: it buys ahead what is below."""
    return strawberry.field(description=description, metadata={RESOLVED_LATE: True}, **options)


def map_awaitable(value: T | Awaitable[T], use: Callable[[T], R]) -> R | Awaitable[R]:
    """`use(value)`: at once if the value is there, as it nearly always is, else when it has come."""
    return _later(value, use) if isinstance(value, Awaitable) else use(value)


async def _later(value: Awaitable[T], use: Callable[[T], R]) -> R:
    return use(await value)

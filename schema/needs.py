"""How fields tell the planner what they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry

from gateway.execution.prompt import PROMPT
from gateway.planner.selection import EDGE, FACET, LATE, Edge, Facet

T = TypeVar("T")
R = TypeVar("R")


def part(facet: Facet, description: str, **options: Any) -> Any:
    """A field that arrives with `facet`: plain, or with a prompt resolver."""
    return strawberry.field(description=description, metadata={FACET: facet, PROMPT: True}, **options)


def edge(edge: Edge, description: str, **options: Any) -> Any:
    """A field that leads to another entity, by a prompt resolver."""
    return strawberry.field(description=description, metadata={EDGE: edge, PROMPT: True}, **options)


def late(description: str, **options: Any) -> Any:
    """A field that leads to an entity, of which only its resolver knows which: it buys ahead what is below."""
    return strawberry.field(description=description, metadata={LATE: True}, **options)


def then(value: T | Awaitable[T], use: Callable[[T], R]) -> R | Awaitable[R]:
    """`use(value)`: at once if the value is there, as it nearly always is, else when it has come."""
    return _later(value, use) if isinstance(value, Awaitable) else use(value)


async def _later(value: Awaitable[T], use: Callable[[T], R]) -> R:
    return use(await value)

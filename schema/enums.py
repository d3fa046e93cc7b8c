"""Enums of the graph: a description of each, and of each of its values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, TypeVar

import strawberry

E = TypeVar("E", bound=enum.Enum)


def describe_enum(kind: type[E], name: str, description: str, values: Mapping[E, str]) -> None:
    """Make an enum of the domain one of the graph. `values` holds the description of each member."""
    strawberry.enum(kind, name=name, description=description)
    definition: Any = kind.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[kind[value.name]]

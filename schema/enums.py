"""Enums of the domain as GraphQL enums whose values have descriptions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=enum.Enum)


def graphql_enum(kind: type[E], *, name: str, description: str, values: Mapping[E, str]) -> None:
    """Declare `kind` as a GraphQL enum. `values` describes each of its members: a KeyError names one without a text.

    The members themselves cannot have descriptions: the domain does not import Strawberry.
    """
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]  # just set
    for value in definition.values:
        value.description = values[kind(value.value)]

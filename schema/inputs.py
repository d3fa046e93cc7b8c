"""Inputs that identify entities, and variables of other operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from gateway.errors import InvalidInput


def one_of_value(by: object) -> Mapping[str, str]:
    """Return the given member of a oneOf input, by its name."""
    return {name: str(value.value) for name, value in vars(by).items() if value is not None}


def as_variables(value: object) -> dict[str, Any] | None:
    """Return the variables of an operation. Raise InvalidInput."""
    if value is None or isinstance(value, dict):
        return value
    raise InvalidInput("variables must be an object.", field="variables")


@strawberry.input(one_of=True, description="The key of a user: exactly one of these fields.")
class UserBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The platform's numeric id. The cheapest key.")
    username: strawberry.Maybe[str] = strawberry.field(
        description="User name, with or without @. Costs one billed request more, unless its id is cached."
    )
    url: strawberry.Maybe[str] = strawberry.field(
        description="URL of the profile or of a story, such as https://www.instagram.com/natgeo/."
    )


@strawberry.input(one_of=True, description="The key of a highlight: exactly one of these fields.")
class HighlightBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="`highlight:<pk>` or `<pk>`.")
    url: strawberry.Maybe[str] = strawberry.field(
        description="URL of the page, https://www.instagram.com/stories/highlights/<pk>/, or share URL, "
        "https://www.instagram.com/s/<code>."
    )

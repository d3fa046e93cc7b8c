"""Inputs that identify entities."""

from __future__ import annotations

from collections.abc import Mapping

import strawberry


def one_of_value(by: object) -> Mapping[str, str]:
    """Return the given member of a oneOf input, by its name."""
    return {name: str(value.value) for name, value in vars(by).items() if value is not None}


@strawberry.input(one_of=True, description="Which user: exactly one of these.")
class UserBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The platform's own id. The cheapest way to ask."
    )
    username: strawberry.Maybe[str] = strawberry.field(description="The user name, with or without @.")
    url: strawberry.Maybe[str] = strawberry.field(
        description="A link to the profile, or to a story: https://www.instagram.com/natgeo/."
    )


@strawberry.input(one_of=True, description="Which highlight: exactly one of these.")
class HighlightBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="`highlight:<pk>`, or the pk alone.")
    url: strawberry.Maybe[str] = strawberry.field(
        description="Its page https://www.instagram.com/stories/highlights/<pk>/ or its share link "
        "https://www.instagram.com/s/<code>."
    )

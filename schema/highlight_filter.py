"""The filter and the order of a list of highlights."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain.highlight_criteria import HighlightCriteria, HighlightOrder
from schema.enums import describe_enum

__all__ = ["HighlightFilter", "HighlightOrder", "InOrder", "OnlyMatching", "criteria"]

describe_enum(
    HighlightOrder,
    name="HighlightOrder",
    description="The order of a list of highlights. Equal ones keep the order of the tray.",
    values={
        HighlightOrder.TRAY: "The platform's order, newest first.",
        HighlightOrder.NEWEST: "By time of creation, newest first; those without one last.",
        HighlightOrder.OLDEST: "By time of creation, oldest first; those without one last.",
        HighlightOrder.TITLE: "By title, without regard to case.",
    },
)


@strawberry.input(
    description="Conditions that a highlight must meet, each of them if several are given. They cost nothing. A "
    "highlight of which the platform did not send the compared value does not meet the condition."
)
class HighlightFilter:
    title_contains: str | None = strawberry.field(
        default=None, description="Text that the title contains, without regard to case."
    )
    is_pinned: bool | None = strawberry.field(default=None, description="Whether the highlight is pinned.")
    created_since: datetime | None = strawberry.field(default=None, description="Earliest time of creation.")


OnlyMatching = Annotated[HighlightFilter | None, strawberry.argument(description="Return only highlights that match.")]
InOrder = Annotated[HighlightOrder | None, strawberry.argument(description="The order of the list.")]


def criteria(filter: HighlightFilter | None, order: HighlightOrder | None) -> HighlightCriteria:
    """Return the criteria in the arguments of a field. Raise InvalidInput."""
    given = HighlightFilter() if filter is None else filter
    return HighlightCriteria.checked(
        given.title_contains, given.is_pinned, given.created_since, order or HighlightOrder.TRAY
    )

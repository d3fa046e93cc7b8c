"""Arguments that choose between lists, and the edge that each choice leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from gateway.domain.list_kinds import MediaFilter, MediaOrder
from gateway.planner.selection import EdgeOf
from gateway.reads.facts import FactKind
from schema.enums import describe_enum

__all__ = ["InMediaOrder", "Matching", "MediaFilter", "MediaOrder", "OnlyMedia", "chosen", "if_matching"]

describe_enum(
    MediaFilter,
    name="MediaFilter",
    description="The posts that a list has.",
    values={MediaFilter.ALL: "Posts of each kind.", MediaFilter.REELS: "Reels only, trial reels included."},
)
describe_enum(
    MediaOrder,
    name="MediaOrder",
    description="The order of the posts of a hashtag or a location.",
    values={
        MediaOrder.RECENT: "Newest first, as far as the platform keeps to it.",
        MediaOrder.TOP: "As the platform ranks them.",
    },
)
OnlyMedia = Annotated[MediaFilter | None, strawberry.argument(description="Return only these posts.")]
InMediaOrder = Annotated[MediaOrder | None, strawberry.argument(description="The order of the list.")]
Matching = Annotated[
    str | None,
    strawberry.argument(
        description="Return only accounts whose names the platform finds by this text: two billed requests, one page."
    ),
]


def chosen(argument: str, kinds: Mapping[MediaFilter, FactKind] | Mapping[MediaOrder, FactKind]) -> EdgeOf:
    """Return an edge that depends on the value of an enum's argument. Null means the first choice."""
    by_name = {choice.name: kind for choice, kind in kinds.items()}
    default = next(iter(by_name))

    def edge(arguments: Mapping[str, Any]) -> FactKind:
        value = arguments.get(argument) or default
        return by_name[value if isinstance(value, str) else value.name]

    return edge


def if_matching(found: FactKind, otherwise: FactKind) -> EdgeOf:
    """Return an edge that depends on whether the argument `matching` is given."""
    return lambda arguments: otherwise if arguments.get("matching") is None else found

"""Connections by the Relay cursor specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Self, TypeVar, cast

import strawberry

from gateway.cache.response_cache import SHARED
from gateway.domain import pages
from gateway.domain.partial import problem_of
from gateway.execution.sync_resolvers import SYNC
from schema.partial import shortened

T = TypeVar("T")

_RANGE = f"0 to {pages.LARGEST_PAGE}"
First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Maximum number of entries, from the beginning: {_RANGE}. By default a page has at most "
        f"{pages.LARGEST_PAGE}."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Return only entries after this cursor.")]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"Maximum number of entries, from the end: {_RANGE}. With `first`, the last of those entries."
    ),
]
Before = Annotated[str | None, strawberry.argument(description="Return only entries before this cursor.")]


@strawberry.federation.type(description="The position of a page in its list.", shareable=True)
class PageInfo:
    has_next_page: bool = strawberry.field(description="True if the list has entries after this page.")
    has_previous_page: bool = strawberry.field(description="True if the list has entries before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first entry, to pass as `before` for the page before; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last entry, to pass as `after` for the next page; null if the page is empty."
    )


@strawberry.type(description="A list entry and its cursor.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The entry.")
    cursor: str = strawberry.field(description="The position of this entry, to pass as `after` or `before`.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    page: strawberry.Private[pages.Page[Any]]
    nodes: list[T] = strawberry.field(description="The entries of this page.")
    total_count: int = strawberry.field(description="The number of entries in the whole list.")

    @strawberry.field(description="The entries of this page with their cursors.", metadata={SYNC: True, SHARED: True})
    def edges(self) -> list[Edge[T]]:
        return [Edge(node=node, cursor=pages.cursor(node.id)) for node in self.page.nodes]

    @strawberry.field(description="The position of this page in the list.", metadata={SYNC: True, SHARED: True})
    def page_info(self) -> PageInfo:
        nodes = self.page.nodes
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=pages.cursor(nodes[0].id) if nodes else None,
            end_cursor=pages.cursor(nodes[-1].id) if nodes else None,
        )

    @classmethod
    def of(cls, entries: Sequence[Any], window: pages.PageWindow) -> Self:
        """Return the page. Raise InvalidInput."""
        page = window.of(entries)
        return cls(page=page, nodes=cast("list[T]", page.nodes), total_count=page.total)


def page_of(
    entries: Sequence[Any], window: pages.PageWindow, *, lost: int | None, of: Sequence[Any]
) -> Connection[Any]:
    """Return a page of `entries`, which are a filtered part of the list `of`. `lost` counts what that list lost.

    Raise InvalidInput, and UpstreamPartialAnswer if nothing of the list could be read.
    """
    if lost is not None and not of:
        raise problem_of(lost)
    return shortened(Connection.of(entries, window), lost)

"""Connections over lists that the upstream pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from gateway.cache.response_cache import SHARED
from gateway.domain import pages
from gateway.domain.ids import EntityId, Username
from gateway.domain.partial import Incomplete, lost, problem_of
from gateway.errors import UpstreamPartialAnswer
from gateway.execution.sync_resolvers import SYNC
from gateway.planner.list_slices import ListSlice, SliceRequest
from gateway.planner.selection import WORK
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.fields import derived, field_in, map_awaitable
from schema.scalars import BigInt
from schema.types.connection import PageInfo

T = TypeVar("T")

FirstOfPages = Annotated[
    int | None,
    strawberry.argument(
        description=f"Maximum number of entries: 1 to {pages.LARGEST_PAGE}. The upstream is asked for one page after "
        "another until it is reached; by default, for one page."
    ),
]


# Units of work: sealing a cursor, with the digests of the entries before it.
SEALED = 300


@strawberry.type(name="Edge", description="A list entry and its cursor.")
class UpstreamEdge(Generic[T]):
    text: strawberry.Private[Callable[[Any], str]]
    node: T = strawberry.field(description="The entry.")

    @strawberry.field(
        description="The position of this entry, to pass as `after`.",
        metadata={SYNC: True, SHARED: True, WORK: SEALED},
    )
    def cursor(self, info: Info) -> str:
        return self.text(info)


@strawberry.type(name="Connection", description="One page of a list that the upstream pages.")
class UpstreamConnection(Generic[T]):
    part: strawberry.Private[ListSlice]
    kind: strawberry.Private[FactKind]
    is_continued: strawberry.Private[bool]
    total: strawberry.Private[Callable[[Any], Any]]
    nodes: list[T] = strawberry.field(description="The entries of this page.")

    @derived("The entries of this page with their cursors.")
    def edges(self) -> list[UpstreamEdge[T]]:
        return [UpstreamEdge(node=node, text=partial(self._cursor, count=at)) for at, node in enumerate(self.nodes, 1)]

    @derived("The position of this page in the list.")
    def page_info(self, info: Info) -> PageInfo:
        count = len(self.nodes)
        return PageInfo(
            has_next_page=self.part.has_next,
            has_previous_page=self.is_continued,
            start_cursor=self._cursor(info, 1) if count else None,
            end_cursor=self._cursor(info, count) if count or self.part.has_next else None,
        )

    @field_in(
        FactKind.LIST_TOTAL,
        "The number of entries in the whole list according to the platform, which may list fewer of them; null if it "
        "does not say.",
    )
    def total_count(self, info: Info) -> BigInt | None:
        return self.total(info) if self.part.total is None else self.part.total  # type: ignore[return-value]

    def _cursor(self, info: Info, count: int) -> str:
        owner = self.part.owner
        assert owner is not None, "a page that was read has an owner"
        cursors = info.context.fetcher.facts.paging.cursors
        return cursors.close(self.kind, owner, self.part.position(count))


def unknown_total(info: object) -> None:
    """Return None: nothing tells the length of the list."""


def upstream_connection(
    info: Info,
    kind: FactKind,
    key: EntityId | Username,
    arguments: tuple[int | None, str | None],
    *,
    total: Callable[[Any], Any] = unknown_total,
    node: Callable[[Any], Any] = lambda entry: entry,
) -> Any:
    """Return the connection over the list `kind` of the object `key`, or an awaitable of it.

    `arguments` are `first` and `after`. `total` returns the length of the list where its pages do not tell it, and
    `node` the object of the graph for an entry. Raise InvalidInput, and the GatewayError of the first page.
    """
    first, after = arguments
    request = SliceRequest.of({"first": first, "after": after})

    def connection(part: ListSlice) -> Any:
        if part.problem is not None and not part.entries:
            raise part.problem.about(key.subject)
        nodes = [node(entry) for entry, _ in part.entries]
        found: Any = UpstreamConnection(part=part, kind=kind, is_continued=after is not None, total=total, nodes=nodes)
        problem = part.problem or _loss(part)
        return found if problem is None else Incomplete(found, problem)

    return map_awaitable(info.context.loader.slice(kind, key, request), connection)


def upstream_list(
    info: Info, kind: FactKind, key: EntityId | Username, node: Callable[[Any], Any] = lambda entry: entry
) -> Any:
    """Return the list `kind` of the object `key`, which has one page, or an awaitable of it.

    `node` returns the object of the graph for an entry, or None to leave it out. Raise the GatewayError of the page.
    """

    def entries(part: ListSlice) -> Any:
        if part.problem is not None:
            raise part.problem.about(key.subject)
        nodes = [found for entry, _ in part.entries if (found := node(entry)) is not None]
        problem = _loss(part)
        return nodes if problem is None else Incomplete(nodes, problem)

    return map_awaitable(info.context.loader.slice(kind, key, SliceRequest()), entries)


def _loss(part: ListSlice) -> UpstreamPartialAnswer | None:
    """Return the error for entries that could not be decoded, or None."""
    counts = [lost(page, "entries") for page in part.pages]
    known = [count for count in counts if count is not None]
    return problem_of(sum(known)) if known else None

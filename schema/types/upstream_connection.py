"""Connections over lists that the upstream pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

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
from schema.fields import field_in, map_awaitable
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


class ReadPart(NamedTuple):
    """A part of a list whose pages are known, and the objects of the graph for its entries."""

    part: ListSlice
    nodes: list[Any]


@strawberry.type(name="Connection", description="One page of a list that the upstream pages.")
class UpstreamConnection(Generic[T]):
    """`read` is None where the operation needs no page; `load` returns it, or an awaitable of it, nevertheless."""

    kind: strawberry.Private[FactKind]
    is_continued: strawberry.Private[bool]
    total: strawberry.Private[Callable[[Any], Any]]
    load: strawberry.Private[Callable[[Any], Any]]
    read: strawberry.Private[ReadPart | None] = None

    @field_in(FactKind.LIST_PAGE, "The entries of this page.")
    def nodes(self, info: Info) -> list[T]:
        return self._in_part(info, lambda read: read.nodes)  # type: ignore[no-any-return]

    @field_in(FactKind.LIST_PAGE, "The entries of this page with their cursors.")
    def edges(self, info: Info) -> list[UpstreamEdge[T]]:
        def edges(read: ReadPart) -> Any:
            cursor = partial(self._cursor, part=read.part)
            return [UpstreamEdge(node=node, text=partial(cursor, count=at)) for at, node in enumerate(read.nodes, 1)]

        return self._in_part(info, edges)  # type: ignore[no-any-return]

    @field_in(FactKind.LIST_PAGE, "The position of this page in the list.")
    def page_info(self, info: Info) -> PageInfo:
        def position(read: ReadPart) -> PageInfo:
            part, count = read.part, len(read.nodes)
            leads_on = part.has_next or (bool(count) and part.problem is None)
            return PageInfo(
                has_next_page=part.has_next,
                has_previous_page=self.is_continued,
                start_cursor=self._cursor(info, part, 1) if count else None,
                end_cursor=self._cursor(info, part, count) if leads_on else None,
            )

        return self._in_part(info, position)  # type: ignore[no-any-return]

    @field_in(
        FactKind.LIST_TOTAL,
        "The number of entries in the whole list according to the platform, which may list fewer of them; null if it "
        "does not say.",
    )
    def total_count(self, info: Info) -> BigInt | None:
        reported = None if self.read is None else self.read.part.total
        return self.total(info) if reported is None else reported  # type: ignore[return-value]

    def _in_part(self, info: Info, use: Callable[[ReadPart], Any]) -> Any:
        return map_awaitable(self.load(info) if self.read is None else self.read, use)

    def _cursor(self, info: Info, part: ListSlice, count: int) -> str:
        assert part.owner is not None, "a page that was read has an owner"
        cursors = info.context.fetcher.facts.paging.cursors
        return cursors.close(self.kind, part.owner, part.position(count))


def unknown_total(info: object) -> None:
    """Return None: nothing tells the length of the list."""


def upstream_connection(
    info: Info,
    kind: FactKind,
    key: EntityId | Username,
    arguments: tuple[int | None, str | None],
    *,
    total: Callable[[Any], Any] = unknown_total,
    total_alone: Callable[[Any], Any] | None = None,
    node: Callable[[Any], Any] = lambda entry: entry,
) -> Any:
    """Return the connection over the list `kind` of the object `key`, or an awaitable of it.

    `arguments` are `first` and `after`. `total` returns the length of the list where its pages do not tell it;
    `total_alone`, if it differs, where no page is read. `node` returns the object of the graph for an entry. Raise
    InvalidInput, and the GatewayError of the first page.
    """
    first, after = arguments
    request = SliceRequest.of({"first": first, "after": after})

    def read(part: ListSlice) -> ReadPart:
        if part.problem is not None and not part.entries:
            raise part.problem.about(key.subject)
        return ReadPart(part, [node(entry) for entry, _ in part.entries])

    def load(info: Info) -> Any:
        return map_awaitable(info.context.loader.slice(kind, key, request), read)

    connection: Any = partial(UpstreamConnection, kind=kind, is_continued=after is not None, load=load)
    if info.context.loader.needs_no_page(kind, key, request):
        return connection(total=total if total_alone is None else total_alone)

    def found(known: ReadPart) -> Any:
        problem = known.part.problem or _loss(known.part)
        value = connection(total=total, read=known)
        return value if problem is None else Incomplete(value, problem)

    return map_awaitable(load(info), found)


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

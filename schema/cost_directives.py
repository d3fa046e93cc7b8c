"""Directives for routers: the cost of fields, the sizes of lists, and the fields about the gateway itself.

Objects weigh 1 and leaves 0, unless `@cost` says otherwise. The gateway itself reads `@cost` and `@listSize` as well,
to refuse operations whose response would be too large.
"""

from __future__ import annotations

from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize, Tag

from gateway.domain.pages import LARGEST_PAGE

# A resolver that does more than read loaded data: it starts a workflow.
WORK = Cost(weight=10)
# A field that parses, validates and plans another operation: the cost limit allows ten per operation.
PRICING = Cost(weight=9_500)


def _paged(*arguments: str, size: int = LARGEST_PAGE) -> ListSize:
    return ListSize(
        assumed_size=size,
        slicing_arguments=list(arguments),
        sized_fields=["nodes", "edges"],
        require_one_slicing_argument=False,
    )


# A connection, with as many entries as requested: of a list that is known as a whole, or that is read forward only.
PAGED = _paged("first", "last")
PAGED_FORWARD = _paged("first")


def upstream_pages(size: int) -> ListSize:
    """Return the directive of a connection over pages of the upstream, which have about `size` entries."""
    return _paged("first", size=size)


# A list without pages: one entry per key, or all that the upstream lists. A router assumes the entries of a page.
UNPAGED = ListSize(
    assumed_size=LARGEST_PAGE, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=False
)
# Fields about the gateway and its client rather than about the data: a contract of a supergraph may exclude them.
OWN = Tag(name="gateway")

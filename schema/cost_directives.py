"""What routers read of fields: what they weigh, how long lists are, and which are about the gateway itself.

Objects weigh 1, leaves 0, unless `@cost` says otherwise. The gateway reads `@cost` and `@listSize` as well, to refuse
what would be too large.
"""

from __future__ import annotations

from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize, Tag

from gateway.domain.pages import LARGEST_PAGE

# What a resolver does beyond reading what is loaded: it starts a flow.
WORK = Cost(weight=10)
# It parses, validates and plans another operation: of these an operation may have ten, by the limit of its cost.
PRICING = Cost(weight=9_500)
# A connection: its entries are as many as asked for.
PAGED = ListSize(
    assumed_size=LARGEST_PAGE,
    slicing_arguments=["first"],
    sized_fields=["nodes", "edges"],
    require_one_slicing_argument=False,
)
# As many as there are keys; a router, which cannot count them, assumes as many as a page has.
KEYED = ListSize(
    assumed_size=LARGEST_PAGE, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=False
)
# About the gateway and its client rather than about the graph: a contract of a supergraph may leave them out.
OWN = Tag(name="gateway")

"""The type of a comment."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from gateway.domain import comments
from gateway.planner.selection import Relation
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import upstream_pages
from schema.fields import relation
from schema.partial import readable
from schema.scalars import BigInt
from schema.types.connection import After
from schema.types.named_people import named_user
from schema.types.upstream_connection import FirstOfPages, UpstreamConnection, upstream_connection
from schema.types.user import User


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)],
    description="A comment on a post, or a reply to one. No request of the upstream returns one by its id.",
)
class Comment:
    id: strawberry.ID = strawberry.field(description="The platform's numeric id.")
    text: str | None = strawberry.field(description="Text of the comment; null if the platform does not say.")
    created_at: datetime | None = strawberry.field(description="Time at which the comment was written.")
    like_count: BigInt | None = strawberry.field(description="Number of likes; null if the platform does not say.")
    reply_count: BigInt | None = strawberry.field(description="Number of replies; null if the platform does not say.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="`id` of the comment that this one replies to; null for a comment on the post itself."
    )

    @relation(
        FactKind.REPLIES,
        "Replies to the comment. Some come along with the comment: without `first`, these alone are returned, and cost "
        "nothing. More cost one billed request for each page of the upstream.",
        shared=True,
        directives=[upstream_pages(5)],
    )
    def replies(
        source: strawberry.Parent[comments.Comment], info: Info, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Comment] | None:
        if source.key is None:
            return None
        return upstream_connection(  # type: ignore[no-any-return]
            info, FactKind.REPLIES, source.key, (first, after), total=lambda _: readable(source, "reply_count")
        )

    @relation(Relation.AUTHOR, "The account that wrote the comment.", shared=True)
    def user(source: strawberry.Parent[comments.Comment], info: Info) -> User | None:
        return named_user(info, source, "author")

"""The type of a hashtag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from gateway.domain import hashtags
from gateway.domain.hashtags import HASHTAG_PREFIX, HashtagName, hashtag_name
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import upstream_pages
from schema.entities import entity
from schema.fields import derived, field_in, map_awaitable, relation
from schema.list_choices import InMediaOrder, MediaOrder, chosen
from schema.media_urls import Proxied, media_url
from schema.node import Node
from schema.partial import readable
from schema.scalars import BigInt
from schema.types.connection import After
from schema.types.upstream_connection import FirstOfPages, UpstreamConnection, upstream_connection

if TYPE_CHECKING:
    from schema.types.media import Media

KINDS = {MediaOrder.RECENT: FactKind.RECENT_OF_HASHTAG, MediaOrder.TOP: FactKind.TOP_OF_HASHTAG}


def _known(attribute: str, type_: Any, description: str) -> Any:
    """Return a field of the platform's record of the hashtag."""

    def resolve(self: Hashtag, info: Info) -> Any:
        return map_awaitable(self.record(info), lambda record: readable(record, attribute))

    return field_in(FactKind.HASHTAG, description, resolver=resolve, graphql_type=type_)


def _picture(self: Hashtag, info: Info, proxied: Proxied = None) -> str | None:
    def show(record: hashtags.Hashtag) -> str | None:
        return media_url(info, readable(record, "profile_picture_url"), "", proxied)

    return map_awaitable(self.record(info), show)  # type: ignore[return-value]


def _node_id(self: Hashtag) -> strawberry.ID:
    return strawberry.ID(f"{HASHTAG_PREFIX}{self.key.pk}")


@entity()
@strawberry.federation.type(
    keys=["id", "name"],
    description="A hashtag. One billed request for all of its fields but `id`, `name` and `media`.",
)
class Hashtag(Node):
    key: strawberry.Private[HashtagName]
    listed: strawberry.Private[hashtags.Hashtag | None] = None

    id: strawberry.ID = derived("`hashtag:<name>`.", resolver=_node_id)

    @derived("The hashtag, without #, in lower case.")
    def name(self) -> str:
        return self.key.pk

    pk: strawberry.ID | None = _known("pk", strawberry.ID | None, "The platform's numeric id.")
    media_count: BigInt | None = _known("media_count", BigInt | None, "Number of posts with the hashtag.")
    is_media_count_lower_bound: bool | None = _known(
        "is_media_count_lower_bound",
        bool | None,
        "True if there may be more posts than `mediaCount`: the platform counts no further.",
    )
    profile_picture_url: str | None = field_in(
        FactKind.HASHTAG,
        "Signed URL of the hashtag's picture. It expires after some days.",
        resolver=_picture,
    )

    @relation(
        chosen("order", KINDS),
        "Posts with the hashtag; the platform lists some of them. One billed request for each page of the upstream, "
        "which has about 60 posts.",
        shared=True,
        directives=[upstream_pages(80)],
    )
    def media(
        self, info: Info, order: InMediaOrder = MediaOrder.RECENT, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[Media, strawberry.lazy("schema.types.media")]] | None:
        def total(info: Info) -> Any:
            return map_awaitable(self.record(info), lambda record: readable(record, "media_count"))

        return upstream_connection(info, KINDS[order or MediaOrder.RECENT], self.key, (first, after), total=total)  # type: ignore[no-any-return]

    def record(self, info: Info) -> Any:
        """Return the platform's record, or an awaitable of it. Raise its GatewayError."""
        return self.listed or info.context.loader.get(FactKind.HASHTAG, self.key)

    @classmethod
    def of(cls, info: Info, key: HashtagName) -> Self:
        """Return the hashtag. Raise the GatewayError of its record, if that was requested."""
        info.context.loader.known(FactKind.HASHTAG, key)
        return cls(key=key)

    @classmethod
    def of_listed(cls, listed: hashtags.Hashtag) -> Self | None:
        """Return a hashtag as a search has found it, with its record; None for a text that cannot be one."""
        return next((cls(key=key, listed=listed) for key in listed.keys), None)

    @classmethod
    def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, name: str | None = None, *, field: str = "id", **_: object
    ) -> Self:
        return cls.of(info, hashtag_name(str(name if id is None else id), field=field))

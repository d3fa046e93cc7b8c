"""The type of a post, and the input that names one."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway.domain import media
from gateway.domain.media import MediaId, media_id
from gateway.planner.selection import Reference, Relation
from gateway.reads.facts import EntityType, FactKind
from schema.context import Info
from schema.cost_directives import upstream_pages
from schema.entities import entity
from schema.fields import field_in, map_awaitable, relation
from schema.media_kind import MediaKind
from schema.media_urls import media_url_field
from schema.node import Node
from schema.partial import readable
from schema.scalars import BigInt
from schema.types.connection import After
from schema.types.location import Location
from schema.types.media_parts import HEIGHT, WIDTH, MediaChild, UserTag
from schema.types.named_people import coauthors_of, named_user, sponsors_of
from schema.types.upstream_connection import FirstOfPages, UpstreamConnection, upstream_connection
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.comment import Comment


@strawberry.input(one_of=True, description="The key of a post: exactly one of these fields.")
class MediaBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="`media:<pk>`, `<pk>_<user id>` or `<pk>`.")
    code: strawberry.Maybe[str] = strawberry.field(description="Shortcode in the URL of the post.")
    url: strawberry.Maybe[str] = strawberry.field(
        description="URL of the post, such as https://www.instagram.com/p/<code>/ or https://www.instagram.com/reel/<code>/."
    )


def play_count(source: strawberry.Parent[media.Media | media.MediaReference], info: Info) -> BigInt | None:
    if isinstance(source, media.ListedMedia):
        if not source.may_have_plays:
            return None
    elif isinstance(source, media.Media):
        return readable(source, "play_count")  # type: ignore[no-any-return]
    full = info.context.loader.get(FactKind.MEDIA, MediaId(str(source.pk)))
    return map_awaitable(full, lambda found: readable(found, "play_count"))  # type: ignore[return-value]


def comment_count(source: strawberry.Parent[media.Media | media.MediaReference], info: Info) -> BigInt | None:
    if isinstance(source, media.Media):
        count = readable(source, "comment_count")
        if count is not None or not isinstance(source, media.ListedMedia):
            return count  # type: ignore[no-any-return]
    counts = info.context.loader.get(FactKind.COMMENT_COUNT, MediaId(str(source.pk)))
    return map_awaitable(counts, lambda found: readable(found.entries[0], "comment_count"))  # type: ignore[return-value]


def _reported_comments(source: media.Media | media.MediaReference, info: Info) -> Any:
    """Return the number of comments as far as it is known, or an awaitable of it."""
    return readable(source, "comment_count") if isinstance(source, media.Media) else comment_count(source, info)


def post_of(source: media.Media) -> str:
    return source.id


@entity(media.Media, media.MediaReference)
@strawberry.federation.type(keys=["id"], description="A post, reel or album. One billed request for all of its fields.")
class Media(Node):
    id: strawberry.ID = strawberry.field(description="`media:<pk>`.")
    pk: strawberry.ID = strawberry.field(description="The platform's numeric id.")
    code: str | None = field_in(FactKind.MEDIA_ENTRY, "Shortcode in the URL of the post.")
    url: str | None = field_in(FactKind.MEDIA_ENTRY, "URL of the post.")
    kind: MediaKind | None = field_in(
        FactKind.MEDIA_ENTRY, "Kind of the media; null for a kind that the gateway does not know."
    )
    product_type: str | None = field_in(
        FactKind.MEDIA_ENTRY,
        "Kind of the post, as named by the platform, such as `feed`, `clips` or `carousel_container`.",
    )
    taken_at: datetime | None = field_in(FactKind.MEDIA_ENTRY, "Time at which the post was published.")
    caption: str | None = field_in(FactKind.MEDIA_ENTRY, "Caption of the post.")
    alt_text: str | None = field_in(FactKind.MEDIA_ENTRY, "Description of the picture for people who cannot see it.")
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url",
        "Signed URL of the photo, or of the video's first frame; null for an album. It expires after some days.",
        post_of,
        FactKind.MEDIA_ENTRY,
    )
    video_url: str | None = media_url_field(
        "video_url",
        "Signed URL of the video; null for a photo and for an album. It expires after some days.",
        post_of,
        FactKind.MEDIA_ENTRY,
    )
    width: int | None = field_in(FactKind.MEDIA_ENTRY, WIDTH)
    height: int | None = field_in(FactKind.MEDIA_ENTRY, HEIGHT)
    video_duration: float | None = field_in(
        FactKind.MEDIA_ENTRY, "Duration of the video in seconds; null for a post without one."
    )
    urls_expire_at: datetime | None = field_in(
        FactKind.MEDIA_ENTRY,
        "Time at which the first URL of the post or of its children expires; null if none states it.",
    )
    children: list[MediaChild] = field_in(FactKind.MEDIA_ENTRY, "Photos and videos of an album; empty for other posts.")
    like_count: BigInt | None = field_in(
        FactKind.MEDIA_ENTRY, "Number of likes; null if the account hides it, or the list of the post does not tell it."
    )
    comment_count: BigInt | None = field_in(
        FactKind.COMMENT_COUNT,
        "Number of comments. Of several posts of which nothing else is selected, or whose list does not tell it, ten "
        "cost one billed request.",
        resolver=comment_count,
        graphql_type=BigInt | None,
    )
    play_count: BigInt | None = field_in(
        FactKind.MEDIA,
        "Number of plays of the video; null for a post without one and if the account hides it. One billed request for "
        "a video of a list.",
        resolver=play_count,
        graphql_type=BigInt | None,
    )
    comments_disabled: bool | None = field_in(FactKind.MEDIA_ENTRY, "True if the post accepts no comments.")
    is_pinned: bool | None = field_in(
        FactKind.MEDIA_ENTRY,
        "True if the post is pinned to the front of its author's posts; null for a post that does not come from there.",
    )
    is_paid_partnership: bool | None = field_in(
        FactKind.MEDIA_ENTRY, "True if the post is labelled as a paid partnership."
    )

    tagged_users: list[UserTag] = field_in(FactKind.MEDIA_ENTRY, "Accounts tagged in the post.")

    @relation(Relation.AUTHOR, "The account that published the post.", shared=True)
    def user(source: strawberry.Parent[media.Media], info: Info) -> User | None:
        return named_user(info, source, "author")

    @relation(Relation.SPONSOR, "Accounts that paid for the post.", shared=True)
    def sponsors(source: strawberry.Parent[media.Media], info: Info) -> list[User]:
        return sponsors_of(info, source)

    @relation(Relation.COAUTHOR, "Other accounts that published the post together with `user`.", shared=True)
    def coauthors(source: strawberry.Parent[media.Media], info: Info) -> list[User]:
        return coauthors_of(info, source)

    @relation(
        Reference(EntityType.LOCATION, lambda post: post.location_ids, FactKind.LOCATION_ENTRY),
        "Location that the post names; null if it names none.",
        shared=True,
    )
    def location(
        source: strawberry.Parent[media.Media],
    ) -> Location | None:
        found = readable(source, "location")
        return None if found is None else Location.of_embedded(found)

    @relation(
        FactKind.LIKERS,
        "Accounts that like the post: a sample, by the platform's choice, of one page. `totalCount` is the number of "
        "all likes. One billed request.",
        shared=True,
        directives=[upstream_pages(100)],
    )
    def likers(
        source: strawberry.Parent[media.Media], info: Info, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[User, strawberry.lazy("schema.types.user")]] | None:
        key = MediaId(str(source.pk))
        return upstream_connection(  # type: ignore[no-any-return]
            info, FactKind.LIKERS, key, (first, after), node=lambda entry: User.of_embedded(info, entry)
        )

    @relation(
        FactKind.COMMENTS,
        "Comments on the post, in the platform's order. One billed request for each page of the upstream, which has "
        "about 15 comments.",
        shared=True,
        directives=[upstream_pages(15)],
    )
    def comments(
        source: strawberry.Parent[media.Media], info: Info, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[Comment, strawberry.lazy("schema.types.comment")]] | None:
        key = MediaId(str(source.pk))
        return upstream_connection(  # type: ignore[no-any-return]
            info,
            FactKind.COMMENTS,
            key,
            (first, after),
            total=lambda info: _reported_comments(source, info),
            total_alone=lambda info: comment_count(source, info),
        )

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object) -> Any:
        return post(info, media_id(id, field=field))


def post(info: Info, key: MediaId) -> media.Media | media.MediaReference | Awaitable[media.Media]:
    """Return the post; a reference if nothing but the number of its comments is selected. Raise its GatewayError."""
    loader = info.context.loader
    if loader.known(FactKind.MEDIA, key) is None and loader.known(FactKind.COMMENT_COUNT, key) is not None:
        return media.MediaReference(key.pk)
    return loader.get(FactKind.MEDIA, key)  # type: ignore[no-any-return]

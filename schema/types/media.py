"""The type of a post, and the input that names one."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import strawberry

from gateway.domain import media
from gateway.domain.ids import pk_of
from gateway.domain.media import MediaId, media_id
from gateway.planner.selection import Relation
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.entities import entity
from schema.fields import field_in, relation
from schema.media_kind import MediaKind
from schema.media_urls import media_url_field
from schema.node import Node
from schema.scalars import BigInt
from schema.types.user import User, named_user, sponsors_of


@strawberry.input(one_of=True, description="The key of a post: exactly one of these fields.")
class MediaBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="`media:<pk>`, `<pk>_<user id>` or `<pk>`.")
    code: strawberry.Maybe[str] = strawberry.field(description="Shortcode in the URL of the post.")
    url: strawberry.Maybe[str] = strawberry.field(
        description="URL of the post, such as https://www.instagram.com/p/<code>/ or https://www.instagram.com/reel/<code>/."
    )


def post_of(source: media.Media) -> str:
    return source.id


def album_of(source: media.MediaChild) -> str:
    album = pk_of(source.parent_id or "")
    return f"{media.MEDIA_PREFIX}{album}" if album else ""


@strawberry.type(description="An account tagged in a post, with the position of the tag.")
class UserTag:
    @relation(Relation.MENTIONED, "The tagged account; null, with an error, if its data cannot be read.", shared=True)
    def user(source: strawberry.Parent[media.UserTag], info: Info) -> User | None:
        return User.of_embedded(info, source.user)

    x: float | None = strawberry.field(description="Horizontal position, as a fraction of the width.")
    y: float | None = strawberry.field(description="Vertical position, as a fraction of the height.")


@strawberry.type(description="A photo or video of an album.")
class MediaChild:
    id: strawberry.ID = strawberry.field(description="The platform's numeric id.")
    kind: MediaKind | None = strawberry.field(
        description="Kind of the media; null for a kind that the gateway does not know."
    )
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url", "Signed URL of the photo, or of the video's first frame. It expires after some days.", album_of
    )
    video_url: str | None = media_url_field(
        "video_url", "Signed URL of the video; null for a photo. It expires after some days.", album_of
    )


@entity(media.Media)
@strawberry.federation.type(keys=["id"], description="A post, reel or album. One billed request for all of its fields.")
class Media(Node):
    id: strawberry.ID = strawberry.field(description="`media:<pk>`.")
    pk: strawberry.ID = strawberry.field(description="The platform's numeric id.")
    code: str | None = field_in(FactKind.MEDIA, "Shortcode in the URL of the post.")
    url: str | None = field_in(FactKind.MEDIA, "URL of the post.")
    kind: MediaKind | None = field_in(
        FactKind.MEDIA, "Kind of the media; null for a kind that the gateway does not know."
    )
    product_type: str | None = field_in(
        FactKind.MEDIA,
        "Kind of the post, as named by the platform, such as `feed`, `clips` or `carousel_container`.",
    )
    taken_at: datetime | None = field_in(FactKind.MEDIA, "Time at which the post was published.")
    caption: str | None = field_in(FactKind.MEDIA, "Caption of the post.")
    alt_text: str | None = field_in(FactKind.MEDIA, "Description of the picture for people who cannot see it.")
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url",
        "Signed URL of the photo, or of the video's first frame; null for an album. It expires after some days.",
        post_of,
        FactKind.MEDIA,
    )
    video_url: str | None = media_url_field(
        "video_url",
        "Signed URL of the video; null for a photo and for an album. It expires after some days.",
        post_of,
        FactKind.MEDIA,
    )
    video_duration: float | None = field_in(
        FactKind.MEDIA, "Duration of the video in seconds; null for a post without one."
    )
    urls_expire_at: datetime | None = field_in(
        FactKind.MEDIA, "Time at which the first URL of the post or of its children expires; null if none states it."
    )
    children: list[MediaChild] = field_in(FactKind.MEDIA, "Photos and videos of an album; empty for other posts.")
    like_count: BigInt | None = field_in(FactKind.MEDIA, "Number of likes; null if the account hides it.")
    comment_count: BigInt | None = field_in(FactKind.MEDIA, "Number of comments.")
    play_count: BigInt | None = field_in(
        FactKind.MEDIA, "Number of plays of the video; null for a post without one and if the account hides it."
    )
    comments_disabled: bool | None = field_in(FactKind.MEDIA, "True if the post accepts no comments.")
    is_paid_partnership: bool | None = field_in(FactKind.MEDIA, "True if the post is labelled as a paid partnership.")

    tagged_users: list[UserTag] = field_in(FactKind.MEDIA, "Accounts tagged in the post.")

    @relation(Relation.AUTHOR, "The account that published the post.", shared=True)
    def user(source: strawberry.Parent[media.Media], info: Info) -> User | None:
        return named_user(info, source, "author")

    @relation(Relation.SPONSOR, "Accounts that paid for the post.", shared=True)
    def sponsors(source: strawberry.Parent[media.Media], info: Info) -> list[User]:
        return sponsors_of(info, source)

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object) -> Any:
        return post(info, media_id(id, field=field))


def post(info: Info, key: MediaId) -> media.Media | Awaitable[media.Media]:
    """Return the post. Raise its GatewayError."""
    return info.context.loader.get(FactKind.MEDIA, key)  # type: ignore[no-any-return]

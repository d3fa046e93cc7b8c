"""The type of one story in a highlight, and the types of its stickers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from gateway.domain import ids, models, stickers
from gateway.domain.locations import location_ids
from gateway.domain.media import MediaId
from gateway.planner.selection import Reference, Relation
from gateway.reads.facts import EntityType, FactKind
from schema.context import Info
from schema.entities import entity
from schema.fields import field_in, relation
from schema.media_kind import MediaKind
from schema.media_urls import media_url_field, no_reference
from schema.node import Node
from schema.scalars import BigInt
from schema.types.hashtag import Hashtag
from schema.types.location import Location
from schema.types.media import Media, post
from schema.types.named_people import named_user, sponsors_of
from schema.types.user import User

# No source bounds what an item names: more than ten hashtags or locations, or five posts, fit no frame.
MOST_STICKERS = 10
MOST_POSTS = 5
# Descriptions of the place of an object on the frame of an item.
X = "Horizontal centre, as a fraction of the frame's width."
Y = "Vertical centre, as a fraction of the frame's height."
Z = "Stacking order: higher values are in front."
WIDTH = "Width, as a fraction of the frame's width."
HEIGHT = "Height, as a fraction of the frame's height."
ROTATION = "Clockwise rotation, in turns: 0.25 is 90 degrees."


@strawberry.type(description="A mention of an account, placed on the 9:16 frame of an item.")
class MentionSticker:
    @relation(
        Relation.MENTIONED, "The mentioned account; null, with an error, if its data cannot be read.", shared=True
    )
    def user(source: strawberry.Parent[stickers.Mention], info: Info) -> User | None:
        return User.of_embedded(info, source.user)

    x: float | None = strawberry.field(description=X)
    y: float | None = strawberry.field(description=Y)
    width: float | None = strawberry.field(description=WIDTH)
    height: float | None = strawberry.field(description=HEIGHT)


@strawberry.type(description="A link, placed on the 9:16 frame of an item.")
class LinkSticker:
    url: str = strawberry.field(description="Target URL.")
    x: float = strawberry.field(description=X)
    y: float = strawberry.field(description=Y)
    z: float = strawberry.field(description=Z)
    width: float = strawberry.field(description=WIDTH)
    height: float = strawberry.field(description=HEIGHT)
    rotation: float = strawberry.field(description=ROTATION)


@strawberry.type(description="A hashtag, placed on the 9:16 frame of an item.")
class HashtagSticker:
    id: strawberry.ID | None = strawberry.field(description="The platform's id.")
    name: str = strawberry.field(description="The hashtag, without #.")
    media_count: BigInt | None = strawberry.field(description="Number of posts with the hashtag.")
    profile_picture_url: str | None = media_url_field(
        "profile_picture_url", "Signed URL of the hashtag's picture. It expires after some days.", no_reference
    )
    x: float | None = strawberry.field(description=X)
    y: float | None = strawberry.field(description=Y)
    width: float | None = strawberry.field(description=WIDTH)
    height: float | None = strawberry.field(description=HEIGHT)

    @relation(
        Reference(
            EntityType.HASHTAG,
            lambda item: (key.pk for sticker in item.hashtags for key in sticker.hashtag.keys),
            most=MOST_STICKERS,
        ),
        "The hashtag, for nothing until more than its name is selected; null for a text that cannot be one.",
        shared=True,
    )
    def hashtag(source: strawberry.Parent[stickers.HashtagSticker], info: Info) -> Hashtag | None:
        return next((Hashtag.of(info, key) for key in source.hashtag.keys), None)


@strawberry.type(description="A location, placed on the 9:16 frame of an item.")
class LocationSticker:
    id: strawberry.ID | None = strawberry.field(description="The platform's id.")
    name: str = strawberry.field(description="Name of the location.")
    latitude: float | None = strawberry.field(description="Latitude in degrees.")
    longitude: float | None = strawberry.field(description="Longitude in degrees.")
    address: str | None = strawberry.field(description="Street address.")
    city: str | None = strawberry.field(description="City.")
    zip: str | None = strawberry.field(description="Postal code.")
    external_id: strawberry.ID | None = strawberry.field(
        description="Id of the location in the directory `externalIdSource`."
    )
    external_id_source: str | None = strawberry.field(description="Name of the directory that issued `externalId`.")
    x: float | None = strawberry.field(description=X)
    y: float | None = strawberry.field(description=Y)
    width: float | None = strawberry.field(description=WIDTH)
    height: float | None = strawberry.field(description=HEIGHT)

    @relation(
        Reference(
            EntityType.LOCATION,
            lambda item: (pk for sticker in item.locations for pk in location_ids(sticker.location)),
            FactKind.LOCATION_ENTRY,
            MOST_STICKERS,
        ),
        "The location, for nothing until more than the sticker tells is selected; null for one that has no page.",
        shared=True,
    )
    def location(source: strawberry.Parent[stickers.LocationSticker]) -> Location | None:
        return Location.of_embedded(source.location)


@strawberry.type(description="The link that a sticker opens.")
class StickerLink:
    url: str | None = strawberry.field(description="Target URL.")
    title: str | None = strawberry.field(description="Text of the link.")
    type: str | None = strawberry.field(description="Kind of the link, as named by the platform.")
    display_url: str | None = strawberry.field(description="The URL as displayed to viewers.")


@strawberry.type(description="A sticker, such as a GIF, placed on the 9:16 frame of an item.")
class Sticker:
    id: strawberry.ID | None = strawberry.field(description="The platform's id.")
    type: str | None = strawberry.field(description="Kind of the sticker, as named by the platform, such as `gif`.")
    x: float | None = strawberry.field(description=X)
    y: float | None = strawberry.field(description=Y)
    z: float | None = strawberry.field(description=Z)
    width: float | None = strawberry.field(description=WIDTH)
    height: float | None = strawberry.field(description=HEIGHT)
    rotation: float | None = strawberry.field(description=ROTATION)
    link: StickerLink | None = strawberry.field(
        description="The link that a tap on the sticker opens; null if it opens none."
    )
    extra: JSON | None = strawberry.field(
        description="Further properties of this kind of sticker, as sent by the platform."
    )


@strawberry.type(description="A post that an item shares, placed on the 9:16 frame.")
class EmbeddedMedia:
    pk: strawberry.ID = strawberry.field(description="The platform's numeric id of the post.")
    user_id: strawberry.ID | None = strawberry.field(description="Id of the account that published the post.")
    product_type: str | None = strawberry.field(description="Kind of the post, as named by the platform.")
    code: str | None = strawberry.field(description="Shortcode in the URL of the post.")
    x: float | None = strawberry.field(description=X)
    y: float | None = strawberry.field(description=Y)
    z: float | None = strawberry.field(description=Z)
    width: float | None = strawberry.field(description=WIDTH)
    height: float | None = strawberry.field(description=HEIGHT)
    rotation: float | None = strawberry.field(description=ROTATION)
    is_pinned: bool | None = strawberry.field(description="True if the post is pinned to the frame.")
    is_hidden: bool | None = strawberry.field(description="True if the post is hidden from viewers.")
    is_sticker: bool | None = strawberry.field(description="True if the post is shown as a sticker.")

    @relation(
        Reference(EntityType.MEDIA, lambda item: (str(post.pk) for post in item.medias), most=MOST_POSTS),
        "The post; null, with an error, if it cannot be returned. One billed request.",
        shared=True,
    )
    def media(source: strawberry.Parent[stickers.EmbeddedMedia], info: Info) -> Media | None:
        return post(info, MediaId(str(source.pk)))  # type: ignore[return-value]


def item_of(source: models.Item) -> str:
    return f"item:{source.pk}"


@entity(models.Item)
@strawberry.federation.type(keys=["id"], description="A story in a highlight.")
class Item(Node):
    id: strawberry.ID = strawberry.field(description="`<pk>_<user id>`, the platform's id.")
    pk: strawberry.ID = strawberry.field(description="The platform's numeric id, without the user id.")
    code: str | None = field_in(FactKind.ITEM, "Shortcode used in URLs: the pk in base64url digits.")
    taken_at: datetime | None = field_in(FactKind.ITEM, "Time at which the story was posted.")
    expires_at: datetime | None = field_in(
        FactKind.ITEM, "Time at which the story ends; null for an item that was read from a highlight."
    )
    kind: MediaKind | None = field_in(
        FactKind.ITEM, "Kind of the media; null for a kind that the gateway does not know."
    )
    product_type: str | None = field_in(FactKind.ITEM, "Kind of the post, as named by the platform, such as `story`.")
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url",
        "Signed URL of the photo, or of the first frame of the video. See `urlsExpireAt`.",
        item_of,
        FactKind.ITEM,
    )
    video_url: str | None = media_url_field(
        "video_url", "Signed URL of the video; null for a photo. See `urlsExpireAt`.", item_of, FactKind.ITEM
    )
    video_duration: float | None = field_in(FactKind.ITEM, "Duration of the video in seconds; null for a photo.")
    urls_expire_at: datetime | None = field_in(
        FactKind.ITEM,
        "Time at which the first of `thumbnailUrl` and `videoUrl` expires; null if the URLs do not state it.",
    )
    mentions: list[MentionSticker] = field_in(FactKind.ITEM, "Mentions on the frame.")
    links: list[LinkSticker] = field_in(FactKind.ITEM, "Links on the frame.")
    hashtags: list[HashtagSticker] = field_in(FactKind.ITEM, "Hashtags on the frame.")
    locations: list[LocationSticker] = field_in(FactKind.ITEM, "Locations on the frame.")
    stickers: list[Sticker] = field_in(FactKind.ITEM, "Other stickers on the frame.")
    medias: list[EmbeddedMedia] = field_in(FactKind.ITEM, "Posts that the item shares.")

    @relation(Relation.AUTHOR, "The account that posted the story.", shared=True)
    def user(source: strawberry.Parent[models.Item], info: Info) -> User | None:
        return named_user(info, source, "author")

    @relation(Relation.SPONSOR, "Sponsors of a paid partnership; empty if there are none.", shared=True)
    def sponsors(source: strawberry.Parent[models.Item], info: Info) -> list[User]:
        return sponsors_of(info, source)

    @classmethod
    def resolve_reference(
        cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object
    ) -> models.Item | Awaitable[models.Item]:
        key = ids.item_id(id, field=field)
        return info.context.loader.get(FactKind.ITEM, key)  # type: ignore[no-any-return]

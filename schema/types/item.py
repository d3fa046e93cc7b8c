"""The type of one story in a highlight, and the types of its stickers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from gateway.domain import ids, models, stickers
from gateway.domain.models import MediaKind
from gateway.domain.partial import lost
from gateway.planner.selection import FieldGroup, Relation
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.fields import field_in, relation
from schema.media_urls import media_url_field
from schema.partial import readable, shortened
from schema.scalars import BigInt
from schema.types.user import User

strawberry.enum(MediaKind, name="MediaKind", description="What an item shows.")


@strawberry.type(description="An account that an item mentions, and where on the 9:16 frame.")
class Mention:
    @relation(Relation.MENTIONED, "The mentioned account.", shared=True)
    def user(source: strawberry.Parent[stickers.Mention], info: Info) -> User | None:
        return User.riding(info, source.user)

    x: float | None = strawberry.field(description="Centre, as a fraction of the width.")
    y: float | None = strawberry.field(description="Centre, as a fraction of the height.")
    width: float | None = strawberry.field(description="As a fraction of the frame's width.")
    height: float | None = strawberry.field(description="As a fraction of the frame's height.")


@strawberry.type(description="A link placed on an item.")
class Link:
    url: str = strawberry.field(description="Where it leads.")
    x: float = strawberry.field(description="Centre, as a fraction of the width.")
    y: float = strawberry.field(description="Centre, as a fraction of the height.")
    z: float = strawberry.field(description="Stacking order.")
    width: float = strawberry.field(description="As a fraction of the frame's width.")
    height: float = strawberry.field(description="As a fraction of the frame's height.")
    rotation: float = strawberry.field(description="Turns, clockwise.")


@strawberry.type(description="A hashtag placed on an item.")
class Hashtag:
    id: strawberry.ID | None = strawberry.field(description="The platform's own id.")
    name: str = strawberry.field(description="Without #.")
    media_count: BigInt | None = strawberry.field(description="How many posts bear it.")
    profile_picture_url: str | None = strawberry.field(description="Signed URL of the hashtag's picture.")
    x: float | None = strawberry.field(description="Centre, as a fraction of the width.")
    y: float | None = strawberry.field(description="Centre, as a fraction of the height.")
    width: float | None = strawberry.field(description="As a fraction of the frame's width.")
    height: float | None = strawberry.field(description="As a fraction of the frame's height.")


@strawberry.type(description="A place named on an item.")
class Location:
    id: strawberry.ID | None = strawberry.field(description="The platform's own id.")
    name: str = strawberry.field(description="The place's name.")
    latitude: float | None = strawberry.field(description="Degrees.")
    longitude: float | None = strawberry.field(description="Degrees.")
    address: str | None = strawberry.field(description="Street and number.")
    city: str | None = strawberry.field(description="City.")
    zip: str | None = strawberry.field(description="Postal code.")
    external_id: strawberry.ID | None = strawberry.field(description="Id of the place in `externalIdSource`.")
    external_id_source: str | None = strawberry.field(description="Who gave out `externalId`.")
    x: float | None = strawberry.field(description="Centre, as a fraction of the width.")
    y: float | None = strawberry.field(description="Centre, as a fraction of the height.")
    width: float | None = strawberry.field(description="As a fraction of the frame's width.")
    height: float | None = strawberry.field(description="As a fraction of the frame's height.")


@strawberry.type(description="What a sticker links to.")
class StickerLink:
    url: str | None = strawberry.field(description="Where it leads.")
    title: str | None = strawberry.field(description="The text on it.")
    type: str | None = strawberry.field(description="The platform's name for the kind of link.")
    display_url: str | None = strawberry.field(description="The URL as it is shown.")


@strawberry.type(description="A sticker placed on an item.")
class Sticker:
    id: strawberry.ID | None = strawberry.field(description="The platform's own id.")
    type: str | None = strawberry.field(description="The platform's name for the kind of sticker, such as gif.")
    x: float | None = strawberry.field(description="Centre, as a fraction of the width.")
    y: float | None = strawberry.field(description="Centre, as a fraction of the height.")
    z: float | None = strawberry.field(description="Stacking order.")
    width: float | None = strawberry.field(description="As a fraction of the frame's width.")
    height: float | None = strawberry.field(description="As a fraction of the frame's height.")
    rotation: float | None = strawberry.field(description="Turns, clockwise.")
    link: StickerLink | None = strawberry.field(description="What a tap on it opens.")
    extra: JSON | None = strawberry.field(description="What else the platform says of this kind of sticker.")


@strawberry.type(description="A post that an item re-shares.")
class EmbeddedMedia:
    pk: strawberry.ID = strawberry.field(description="The post's own id.")
    user_id: strawberry.ID | None = strawberry.field(description="Id of the account that posted it.")
    product_type: str | None = strawberry.field(description="The platform's name for the kind of post.")
    code: str | None = strawberry.field(description="The code in the post's link.")
    x: float | None = strawberry.field(description="Centre, as a fraction of the width.")
    y: float | None = strawberry.field(description="Centre, as a fraction of the height.")
    z: float | None = strawberry.field(description="Stacking order.")
    width: float | None = strawberry.field(description="As a fraction of the frame's width.")
    height: float | None = strawberry.field(description="As a fraction of the frame's height.")
    rotation: float | None = strawberry.field(description="Turns, clockwise.")
    is_pinned: bool | None = strawberry.field(description="Whether it is pinned to the frame.")
    is_hidden: bool | None = strawberry.field(description="Whether it is hidden from viewers.")
    is_sticker: bool | None = strawberry.field(description="Whether it is shown as a sticker.")


def item_of(source: models.Item) -> str:
    return f"item:{source.pk}"


@strawberry.federation.type(keys=["id"], description="One story inside a highlight.")
class Item:
    id: strawberry.ID = strawberry.field(description="`<pk>_<id of the user>`.")
    pk: strawberry.ID = strawberry.field(description="The platform's own number of the item.")
    code: str | None = field_in(FieldGroup.ITEM, "The pk in base64url digits, as links spell it.")
    taken_at: datetime | None = field_in(FieldGroup.ITEM, "When it was posted as a story.")
    kind: MediaKind | None = field_in(FieldGroup.ITEM, "Photo, video or album; null for a kind that is not known.")
    product_type: str | None = field_in(FieldGroup.ITEM, "The platform's name for the kind of post: `story`.")
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url", "Signed URL of the photo, or of the video's first frame.", item_of, FieldGroup.ITEM
    )
    video_url: str | None = media_url_field("video_url", "Signed URL of the video.", item_of, FieldGroup.ITEM)
    video_duration: float | None = field_in(FieldGroup.ITEM, "Seconds.")
    urls_expire_at: datetime | None = field_in(FieldGroup.ITEM, "When the first of this item's URLs stops working.")
    mentions: list[Mention] = field_in(FieldGroup.ITEM, "Accounts it mentions.")
    links: list[Link] = field_in(FieldGroup.ITEM, "Links on it.")
    hashtags: list[Hashtag] = field_in(FieldGroup.ITEM, "Hashtags on it.")
    locations: list[Location] = field_in(FieldGroup.ITEM, "Places named on it.")
    stickers: list[Sticker] = field_in(FieldGroup.ITEM, "Stickers on it.")
    medias: list[EmbeddedMedia] = field_in(FieldGroup.ITEM, "Posts it re-shares.")

    @relation(Relation.AUTHOR, "The account that posted it.", shared=True)
    def user(source: strawberry.Parent[models.Item], info: Info) -> User | None:
        author = readable(source, "author")
        return None if author is None else User.riding(info, author)

    @relation(Relation.SPONSOR, "Accounts that paid for it.", shared=True)
    def sponsors(source: strawberry.Parent[models.Item], info: Info) -> list[User]:
        sponsors = [User.riding(info, sponsor) for sponsor in source.sponsors or ()]
        return shortened(sponsors, lost(source, "sponsors"))

    @classmethod
    def resolve_reference(
        cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object
    ) -> models.Item | Awaitable[models.Item]:
        key = ids.item_id(id, field=field)
        return info.context.loader.get(FactKind.ITEM, key)  # type: ignore[no-any-return]

"""The read API's models, strictly: no field more, none missing, no other type. Written from the contract alone."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Pk = Annotated[str, Meta(pattern=r"^[1-9][0-9]*$")]
LooseId = str | int | None
Fraction = Annotated[float, Meta(ge=0, le=1)]
DateByUrl = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
DateInList = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


class Model(Struct, forbid_unknown_fields=True):
    pass


class UserShort(Model):
    pk: str | int
    id: LooseId
    username: str | None
    full_name: str | None
    profile_pic_url: str | None
    profile_pic_url_hd: str | None
    is_private: bool | None
    is_verified: bool | None


class User(UserShort):
    media_count: int | None
    follower_count: int | None
    following_count: int | None
    biography: str | None
    external_url: str | None
    account_type: int | None
    is_business: bool | None
    category_name: str | None
    public_email: str | None
    contact_phone_number: str | None
    city_name: str | None
    zip: str | None
    latitude: float | None
    longitude: float | None


class Image(Model):
    width: int
    height: int
    url: str
    scans_profile: str


class Cover(Model):
    cropped_image_version: Image
    crop_rect: list[Fraction] | None
    media_id: Annotated[str, Meta(pattern=r"^\d+_\d+$")] | None
    upload_id: str | None
    full_image_version: Image | None


class Mention(Model):
    user: UserShort
    x: float | None
    y: float | None
    width: float | None
    height: float | None


class Tag(Model):
    id: LooseId
    name: str
    media_count: int | None
    profile_pic_url: str | None


class Hashtag(Model):
    hashtag: Tag
    x: float | None
    y: float | None
    width: float | None
    height: float | None


class Place(Model):
    pk: int | None
    name: str
    lat: float | None
    lng: float | None
    address: str | None
    city: str | None
    zip: str | None
    external_id: int | None
    external_id_source: str | None


class Location(Model):
    location: Place
    x: float | None
    y: float | None
    width: float | None
    height: float | None


class Link(Model):
    webUri: str  # noqa: N815 (as the upstream spells it)
    x: float
    y: float
    z: float
    width: float
    height: float
    rotation: float


class StickerLink(Model):
    url: str | None
    link_title: str | None
    link_type: str | None
    display_url: str | None


class Sticker(Model):
    id: LooseId
    type: str | None
    x: float
    y: float
    z: float | None
    width: float
    height: float
    rotation: float | None
    story_link: StickerLink | None
    extra: dict[str, object] | None


class Media(Model):
    media_pk: Pk
    user_id: LooseId
    product_type: str | None
    media_code: str | None
    x: float
    y: float
    z: float
    width: float
    height: float
    rotation: float
    is_pinned: bool | None
    is_hidden: bool | None
    is_sticker: bool | None


class Story(Model):
    pk: Pk
    id: Annotated[str, Meta(pattern=r"^\d+_\d+$")]
    code: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
    taken_at: DateByUrl
    media_type: Literal[1, 2, 8]
    product_type: str | None
    thumbnail_url: str | None
    user: UserShort
    video_url: str | None
    video_duration: float | None
    sponsor_tags: list[UserShort] | None
    mentions: list[Mention]
    links: list[Link]
    hashtags: list[Hashtag]
    locations: list[Location]
    stickers: list[Sticker]
    medias: list[Media]


class Highlight(Model):
    pk: Pk
    id: Annotated[str, Meta(pattern=r"^highlight:\d+$")]
    latest_reel_media: int | None
    cover_media: Cover | None
    user: UserShort
    title: str
    created_at: DateByUrl
    is_pinned_highlight: bool
    media_count: int
    media_ids: list[int]
    items: list[Story]


class TrayEntry(Model):
    pk: Pk
    id: Annotated[str, Meta(pattern=r"^highlight:\d+$")]
    latest_reel_media: int | None
    cover_media: Cover | None
    user: UserShort
    title: str
    created_at: DateInList
    is_pinned_highlight: bool
    media_count: int
    media_ids: Annotated[list[int], Meta(max_length=0)]
    items: Annotated[list[Story], Meta(max_length=0)]


class Share(Model):
    pk: Pk
    type: Literal["highlight"]


class Balance(Model):
    requests: int
    rate: int
    currency: str
    amount: float


class AccountError(Model):
    state: Literal[False]
    error: str
    exc_type: str | None = None


class EndpointError(Model):
    detail: str
    exc_type: str


class Invalid(Model):
    loc: list[str]
    msg: str
    type: str


class MissingParameter(Model):
    detail: list[Invalid]

"""The models of a post, strictly, as `contract` has the others."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from tests.sandbox.contract import DateInList, Fraction, Model, Pk, UserShort

Count = Annotated[int, Meta(ge=0)]
MediaId = Annotated[str, Meta(pattern=r"^[1-9]\d*_[1-9]\d*$")]


class Usertag(Model):
    user: UserShort
    x: Fraction
    y: Fraction


class Location(Model):
    pk: int
    name: str
    phone: str
    website: str
    category: str
    hours: dict[str, object]
    address: str
    city: str
    zip: str | None
    lng: float | None
    lat: float | None
    external_id: str
    external_id_source: str | None


class ImageVersion(Model):
    url: str
    width: int
    height: int
    scans_profile: str
    estimated_scans_sizes: list[int]


class VideoVersion(Model):
    url: str
    width: int
    height: int
    type: int
    id: str
    bandwidth: int
    url_expiration_timestamp_us: int | None


class Resource(Model):
    pk: Pk
    id: MediaId
    media_type: Literal[1, 2]
    product_type: Literal["carousel_item"]
    thumbnail_url: str | None
    video_url: str | None
    image_versions: list[ImageVersion]
    video_versions: list[VideoVersion]
    carousel_parent_id: MediaId
    taken_at: int


class RawUser(Model, kw_only=True):
    pk: int | str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    strong_id__: str | UnsetType = UNSET
    pk_id: str
    username: str
    full_name: str
    is_private: bool
    is_verified: bool
    profile_pic_url: str
    profile_pic_id: str
    fbid_v2: int | str
    latest_reel_media: int | None


class Media(Model):
    pk: Pk
    id: MediaId
    code: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
    taken_at: DateInList
    taken_at_ts: int
    media_type: Literal[1, 2, 8]
    product_type: Literal["feed", "clips", "carousel_container", "igtv", "ad"]
    thumbnail_url: str | None
    location: Location | None
    user: UserShort
    comment_count: Count
    comments_disabled: bool
    like_count: Count
    play_count: Count
    has_liked: bool
    caption_text: str
    accessibility_caption: str | None
    usertags: list[Usertag]
    sponsor_tags: list[UserShort]
    video_url: str | None
    view_count: Literal[0]
    video_duration: float
    title: str
    resources: list[Resource]
    image_versions: list[ImageVersion]
    video_versions: list[VideoVersion]
    like_and_view_counts_disabled: bool
    coauthor_producers: list[RawUser]
    is_paid_partnership: bool

"""Frozen models of what is attached to a story: mentions, hashtags, locations, links, stickers and posts."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import ClassVar

from msgspec import field

from gateway.domain.users import Count, Model, UserSummary


class Mention(Model, frozen=True, gc=False):
    user: UserSummary
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None


class HashtagTag(Model, frozen=True, gc=False):
    name: str
    id: str | int | None = None
    media_count: Count | None = None
    profile_picture_url: str | None = field(name="profile_pic_url", default=None)


class Hashtag(Model, frozen=True, gc=False):
    hashtag: HashtagTag
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: (f"hashtag.{name}",) for name in ("id", "name", "media_count", "profile_picture_url")
    }

    @property
    def id(self) -> str | None:
        return None if self.hashtag.id is None else str(self.hashtag.id)

    name = property(attrgetter("hashtag.name"))
    media_count = property(attrgetter("hashtag.media_count"))
    profile_picture_url = property(attrgetter("hashtag.profile_picture_url"))


class Place(Model, frozen=True, gc=False):
    name: str
    pk: int | str | None = None
    latitude: float | None = field(name="lat", default=None)
    longitude: float | None = field(name="lng", default=None)
    address: str | None = None
    city: str | None = None
    zip: str | None = None
    external_id: int | str | None = None
    external_id_source: str | None = None


class Location(Model, frozen=True, gc=False):
    place: Place = field(name="location")
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "id": ("place.pk",),
        "name": ("place.name",),
        "latitude": ("place.latitude",),
        "longitude": ("place.longitude",),
        "address": ("place.address",),
        "city": ("place.city",),
        "zip": ("place.zip",),
        "external_id": ("place.external_id",),
        "external_id_source": ("place.external_id_source",),
    }

    @property
    def id(self) -> str | None:
        return None if self.place.pk is None else str(self.place.pk)

    name = property(attrgetter("place.name"))
    latitude = property(attrgetter("place.latitude"))
    longitude = property(attrgetter("place.longitude"))
    address = property(attrgetter("place.address"))
    city = property(attrgetter("place.city"))
    zip = property(attrgetter("place.zip"))

    @property
    def external_id(self) -> str | None:
        return None if self.place.external_id is None else str(self.place.external_id)

    external_id_source = property(attrgetter("place.external_id_source"))


class Link(Model, frozen=True, gc=False):
    """A link sticker. The defaults are the upstream's: it omits values that equal the app's own placement."""

    url: str = field(name="webUri")
    x: float = 0.5126011
    y: float = 0.5168225
    z: float = 0
    width: float = 0.50998676
    height: float = 0.25875
    rotation: float = 0


class StickerLink(Model, frozen=True, gc=False):
    url: str | None = None
    title: str | None = field(name="link_title", default=None)
    type: str | None = field(name="link_type", default=None)
    display_url: str | None = None


class Sticker(Model, frozen=True, gc=False):
    id: str | int | None = None
    type: str | None = "gif"
    x: float | None = None
    y: float | None = None
    z: float | None = 1000005
    width: float | None = None
    height: float | None = None
    rotation: float | None = None
    link: StickerLink | None = field(name="story_link", default=None)
    extra: dict[str, object] | None = None


class EmbeddedMedia(Model, frozen=True, gc=False):
    """A post that an item re-shares."""

    pk: str | int = field(name="media_pk")
    user_id: str | int | None = None
    product_type: str | None = None
    code: str | None = field(name="media_code", default=None)
    x: float | None = None
    y: float | None = None
    z: float | None = None
    width: float | None = None
    height: float | None = None
    rotation: float | None = None
    is_pinned: bool | None = None
    is_hidden: bool | None = None
    is_sticker: bool | None = None

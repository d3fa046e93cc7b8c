"""Frozen models of what is attached to a story: mentions, hashtags, locations, links, stickers and posts."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import ClassVar

from msgspec import field

from gateway.domain.hashtags import Hashtag
from gateway.domain.locations import Location
from gateway.domain.users import Model, UserSummary


class Mention(Model, frozen=True, gc=False):
    user: UserSummary
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None


class HashtagSticker(Model, frozen=True, gc=False):
    hashtag: Hashtag
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "id": ("hashtag.number",),
        "name": ("hashtag.name",),
        "media_count": ("hashtag.posts",),
        "profile_picture_url": ("hashtag.profile_picture_url",),
    }

    id = property(attrgetter("hashtag.pk"))
    name = property(attrgetter("hashtag.name"))
    media_count = property(attrgetter("hashtag.media_count"))
    profile_picture_url = property(attrgetter("hashtag.profile_picture_url"))


class LocationSticker(Model, frozen=True, gc=False):
    location: Location
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "id": ("location.pk",),
        "name": ("location.name",),
        "latitude": ("location.latitude",),
        "longitude": ("location.longitude",),
        "address": ("location.address",),
        "city": ("location.city",),
        "zip": ("location.zip",),
        "external_id": ("location.external_number",),
        "external_id_source": ("location.external_id_source",),
    }

    @property
    def id(self) -> str | None:
        return None if self.location.pk is None else str(self.location.pk)

    name = property(attrgetter("location.name"))
    latitude = property(attrgetter("location.latitude"))
    longitude = property(attrgetter("location.longitude"))
    address = property(attrgetter("location.address"))
    city = property(attrgetter("location.city"))
    zip = property(attrgetter("location.zip"))
    external_id = property(attrgetter("location.external_id"))
    external_id_source = property(attrgetter("location.external_id_source"))


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

"""Frozen models of highlights and their items, decoded directly from the read API's responses.

A field with another name upstream has that name in `field(name=...)`; there is no second set of wire types. Nullable
attributes are those that the upstream omits or sends as null. `items` of a tray entry are *not loaded*, so trays are
decoded as `Highlight`, and only a response for one highlight as `LoadedHighlight`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import ClassVar

from msgspec import field

from gateway.domain import ids
from gateway.domain.stickers import EmbeddedMedia, Hashtag, Link, Location, Mention, Sticker
from gateway.domain.users import Epoch, MediumPk, Model, Moment, Small, UserSummary

# Begins with a literal that the engine can search for, and then checks the characters before it.
EXPIRY = re.compile(r"oe=(?<=[?&]oe=)([0-9A-Fa-f]{1,12})(?:&|$)")


class MediaKind(enum.Enum):
    PHOTO = 1
    VIDEO = 2
    ALBUM = 8


class AccountType(enum.Enum):
    PERSONAL = 1
    BUSINESS = 2
    CREATOR = 3


class Model(Struct, frozen=True, gc=False):
    """The base of all models. Decoded JSON has no cycles, so the garbage collector need not track instances.

    `SOURCES` names, for each property that is computed from attributes that may be lost, those attributes.
    """

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {}


class UserSummary(Model, frozen=True, gc=False):
    """The eight fields of a user that other responses include. `pk` is an integer in some of them."""

    pk: str | int
    username: str | None = None
    full_name: str | None = None
    profile_picture_url: str | None = field(name="profile_pic_url", default=None)
    profile_picture_hd_url: str | None = field(name="profile_pic_url_hd", default=None)
    is_private: bool | None = None
    is_verified: bool | None = None

    @property
    def id(self) -> str:
        return str(self.pk)

    def alone(self) -> UserSummary:
        """Return these fields without those that a subclass adds."""
        if type(self) is UserSummary:
            return self
        return UserSummary(*(getattr(self, name) for name in UserSummary.__struct_fields__))


class Profile(UserSummary, frozen=True, gc=False):
    """The full record of a user."""

    biography: str | None = None
    external_url: str | None = None
    media_count: Count | None = None
    follower_count: Count | None = None
    following_count: Count | None = None
    account_type_code: Small | None = field(name="account_type", default=None)
    is_business: bool | None = None
    category: str | None = field(name="category_name", default=None)
    public_email: str | None = None
    contact_phone_number: str | None = None
    city: str | None = field(name="city_name", default=None)
    zip: str | None = None
    latitude: float | None = None
    longitude: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"account_type": ("account_type_code",)}

    @property
    def account_type(self) -> AccountType | None:
        """The account type, or None for a code that the contract does not know."""
        try:
            return AccountType(self.account_type_code)
        except ValueError:
            return None


class CoverImage(Model, frozen=True, gc=False):
    url: str | None = None
    width: Small | None = None
    height: Small | None = None
    scans_profile: str | None = None


class Cover(Model, frozen=True, gc=False):
    """The cover of a highlight. `crop_rect` is x1, y1, x2, y2 as fractions of the 9:16 frame."""

    cropped: CoverImage | None = field(name="cropped_image_version", default=None)
    full: CoverImage | None = field(name="full_image_version", default=None)
    crop_rect: tuple[float, ...] | None = None
    media_id: str | None = None
    upload_id: str | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: ("cropped", f"cropped.{name}") for name in ("url", "width", "height")
    }

    @property
    def url(self) -> str | None:
        return self.cropped.url if self.cropped else None

    @property
    def width(self) -> int | None:
        return self.cropped.width if self.cropped else None

    @property
    def height(self) -> int | None:
        return self.cropped.height if self.cropped else None


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


class Item(Model, frozen=True, gc=False):
    """One story in a highlight."""

    pk: str | int
    id: str
    code: str | None = None
    taken_at: Moment | None = None
    media_type: int | None = None
    product_type: str | None = "story"
    thumbnail_url: str | None = None
    video_url: str | None = None
    duration: float | None = field(name="video_duration", default=None)
    author: UserSummary | None = field(name="user", default=None)
    sponsors: tuple[UserSummary, ...] | None = field(name="sponsor_tags", default=None)
    mentions: tuple[Mention, ...] = ()
    links: tuple[Link, ...] = ()
    hashtags: tuple[Hashtag, ...] = ()
    locations: tuple[Location, ...] = ()
    stickers: tuple[Sticker, ...] = ()
    medias: tuple[EmbeddedMedia, ...] = ()

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "kind": ("media_type",),
        "video_duration": ("duration",),
        "urls_expire_at": ("thumbnail_url", "video_url"),
    }

    @property
    def kind(self) -> MediaKind | None:
        """The kind, or None for a media type that the contract does not know."""
        try:
            return MediaKind(self.media_type)
        except ValueError:
            return None

    @property
    def video_duration(self) -> float | None:
        """The duration in seconds, or None for a photo, for which the upstream sends 0."""
        return None if self.media_type == MediaKind.PHOTO.value else self.duration or None

    @property
    def urls_expire_at(self) -> datetime | None:
        """The earliest expiry signed into the item's own URLs."""
        expiries = [int(m[1], 16) for url in (self.thumbnail_url, self.video_url) if url and (m := EXPIRY.search(url))]
        return _moment(min(expiries)) if expiries else None


class HighlightReference(Model, frozen=True, gc=False):
    """A highlight of which only the id is known."""

    pk: str

    @property
    def id(self) -> str:
        return f"highlight:{self.pk}"

    @property
    def url(self) -> str:
        return ids.highlight_url(self.pk)

    @property
    def share_url(self) -> str:
        return ids.share_url(self.pk)


class Highlight(HighlightReference, frozen=True, gc=False):
    """A highlight as in a tray entry. `items` and `media_ids` are on `LoadedHighlight` only.

    The upstream always includes an owner; it is None if it could not be read.
    """

    owner: UserSummary | None = field(name="user")
    title: str = ""
    cover: Cover | None = field(name="cover_media", default=None)
    created_at: Moment | None = None
    latest_reel_media: Epoch | None = None
    is_pinned: bool | None = field(name="is_pinned_highlight", default=None)
    media_count: Small | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"latest_media_at": ("latest_reel_media",)}

    @property
    def named_user(self) -> UserSummary | None:
        return self.owner

    @property
    def latest_media_at(self) -> datetime | None:
        """The time of the newest item; the upstream sends it in Unix seconds."""
        return None if self.latest_reel_media is None else _moment(self.latest_reel_media)


class LoadedHighlight(Highlight, frozen=True, gc=False):
    """A highlight with its items."""

    media_ids: tuple[MediumPk, ...] = ()
    items: tuple[Item, ...] = ()

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Highlight.SOURCES,
        "missing_item_ids": ("media_ids", "items"),
    }

    def items_of(self, kind: object = None) -> tuple[Item, ...]:
        """Return the items of one MediaKind, given itself or by name; all of them for None."""
        if kind is None:
            return self.items
        wanted = kind if isinstance(kind, MediaKind) else MediaKind[str(kind)]
        return tuple(item for item in self.items if item.kind is wanted)

    def by_pk(self) -> dict[str, Item]:
        """Return the items by pk; the first of two items with the same pk."""
        return {str(item.pk): item for item in reversed(self.items)}

    @property
    def missing_item_ids(self) -> tuple[str, ...]:
        """Ids that the highlight lists but whose items the platform silently omits, in the highlight's order."""
        present = {str(item.pk) for item in self.items}
        return tuple(pk for pk in map(str, self.media_ids) if pk not in present)


def _moment(seconds: int) -> datetime | None:
    """Return the time, or None for Unix seconds outside the years 1 to 9999, which are invalid."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


Tray = tuple[Highlight, ...]

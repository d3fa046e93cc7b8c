"""Frozen models of highlights and their items, decoded directly from the read API's responses.

A field with another name upstream has that name in `field(name=...)`; there is no second set of wire types. Nullable
attributes are those that the upstream omits or sends as null. `items` of a tray entry are *not loaded*, so trays are
decoded as `Highlight`, and only a response for one highlight as `LoadedHighlight`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import ClassVar

from msgspec import field

from gateway.domain import ids
from gateway.domain.stickers import EmbeddedMedia, HashtagSticker, Link, LocationSticker, Mention, Sticker
from gateway.domain.users import Epoch, MediumPk, Model, Moment, Small, UserSummary

# Begins with a literal that the engine can search for, and then checks the characters before it.
EXPIRY = re.compile(r"oe=(?<=[?&]oe=)([0-9A-Fa-f]{1,12})(?:&|$)")


class MediaKind(enum.Enum):
    PHOTO = 1
    VIDEO = 2
    ALBUM = 8


# Looking a member up by its value through the enum takes five times as long, and each item of a list needs it.
KINDS: Mapping[int | None, MediaKind] = {kind.value: kind for kind in MediaKind}
PHOTO = MediaKind.PHOTO.value


def kind_of(media_type: int | None) -> MediaKind | None:
    """Return the kind, or None for a media type that the contract does not know."""
    return KINDS.get(media_type)


def first_expiry(urls: Iterable[str | None]) -> datetime | None:
    """Return the earliest expiry signed into the URLs."""
    expiries = [int(match[1], 16) for url in urls if url and (match := EXPIRY.search(url))]
    return _moment(min(expiries)) if expiries else None


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
    hashtags: tuple[HashtagSticker, ...] = ()
    locations: tuple[LocationSticker, ...] = ()
    stickers: tuple[Sticker, ...] = ()
    medias: tuple[EmbeddedMedia, ...] = ()

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "kind": ("media_type",),
        "video_duration": ("duration",),
        "expires_at": (),
        "urls_expire_at": ("thumbnail_url", "video_url"),
    }

    @property
    def kind(self) -> MediaKind | None:
        """The kind, or None for a media type that the contract does not know."""
        return kind_of(self.media_type)

    @property
    def video_duration(self) -> float | None:
        """The duration in seconds, or None for a photo, for which the upstream sends 0."""
        return None if self.media_type == PHOTO else self.duration or None

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the story ends; None for an item of a highlight, which does not end."""
        return None

    @property
    def urls_expire_at(self) -> datetime | None:
        """The earliest expiry signed into the item's own URLs."""
        return first_expiry((self.thumbnail_url, self.video_url))


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

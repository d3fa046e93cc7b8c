"""Entities of the sandbox's data, independent of their JSON. Times are Unix seconds."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from gateway.sandbox.ids import ItemKey

STORY_SECONDS = 86_400  # in which a story is live


@dataclass(frozen=True, slots=True)
class HighlightSpec:
    """The fixed properties of a highlight before its items are generated; a None is generated too.

    `dropped` are the positions of items that the platform lost silently. `attached` puts one of each attachment on
    every item. `alternating` makes photos and videos take turns.
    """

    media_count: int
    pk: int | None = None
    title: str | None = None
    created_at: int | None = None
    latest_at: int | None = None
    dropped: frozenset[int] = frozenset()
    attached: bool = False
    alternating: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A user. `integer_pk`: the API sends its pk as a number. `empty_is_404`: its empty lists are answered with 404."""

    index: int
    pk: int
    username: str
    full_name: str
    is_private: bool = False
    is_verified: bool = False
    integer_pk: bool = False
    empty_is_404: bool = False
    highlights: tuple[HighlightSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """A chosen cover. `pk` identifies its picture; `item` is its source, cropped to `crop_rect`."""

    pk: int
    item: str | None = None
    crop_rect: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Highlight:
    """A highlight. `first_at` and `latest_at` are the times of its first and last item.

    `held` are the items of one that was created or edited by a write call, `cover` is what such a call chose. Without
    them both are drawn from the sketch.
    """

    pk: int
    user: User
    slot: int
    title: str
    created_at: int
    first_at: int
    latest_at: int
    is_pinned: bool
    sketch: HighlightSpec
    held: tuple[Item, ...] | None = None
    cover: Cover | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item. `title` is that of its highlight, empty for a story.

    `duration` (seconds, 0 for a photo) is None for what is drawn, and said of what a write call published.
    """

    pk: int
    title: str
    key: ItemKey
    user: User
    taken_at: int
    is_video: bool
    attached: bool = False
    duration: float | None = None

    @property
    def is_published(self) -> bool:
        return self.duration is not None

    def is_live(self, now: int) -> bool:
        """Return whether a story that was taken at this time is still live at `now`."""
        return now - STORY_SECONDS < self.taken_at <= now

    @property
    def id(self) -> str:
        return f"{self.pk}_{self.user.pk}"


class PostKind(enum.Enum):
    """The kinds of a post, by media type and product type. Their order is part of the pks."""

    PHOTO = (1, "feed")
    REEL = (2, "clips")
    ALBUM = (8, "carousel_container")
    LONG_VIDEO = (2, "igtv")
    AD = (1, "ad")

    @property
    def media_type(self) -> int:
        return self.value[0]

    @property
    def product_type(self) -> str:
        return self.value[1]

    @property
    def is_video(self) -> bool:
        return self.media_type == 2


@dataclass(frozen=True, slots=True)
class AlbumEntry:
    """A photo or a video of an album."""

    pk: int
    is_video: bool


class Listed(NamedTuple):
    """A post in the list of its user, as far as other lists are made of it.

    `number` counts the user's posts from the newest one. `tags` are numbers of hashtags, `place` is that of a place,
    `people` are the indices of the users who are tagged in it.
    """

    number: int
    kind: PostKind
    taken_at: int
    text: int
    tags: tuple[int, ...]
    place: int | None
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `entries` are those of an album, empty for the other kinds.

    `listed` is what the list of its user says about it, None for a post that can be opened but that no list holds.
    """

    pk: int
    user: User
    taken_at: int
    kind: PostKind
    caption: str
    entries: tuple[AlbumEntry, ...] = ()
    listed: Listed | None = None

    @property
    def id(self) -> str:
        return f"{self.pk}_{self.user.pk}"

"""What the world is made of: who and when, before any JSON. Times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sandbox.ids import ItemKey


@dataclass(frozen=True, slots=True)
class HighlightSpec:
    """What is decided about one highlight before its items are generated; what is None is drawn.

    `dropped` are the positions whose items the platform lost silently. `attached` puts one of each attachment on every
    item. `alternating` makes photos and videos take turns.
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
    """`integer_pk`: the API sends this user's pk as a number. `empty_is_404`: empty lists are answered as not found."""

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
    """A chosen cover. `pk` names its picture; `item` is the item it was cut from, as `crop_rect` says where."""

    pk: int
    item: str | None = None
    crop_rect: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Highlight:
    """`first_at` and `latest_at` are when its first and last items were taken.

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
    """`title` is that of the highlight that holds it, empty for a story.

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

    @property
    def id(self) -> str:
        return f"{self.pk}_{self.user.pk}"

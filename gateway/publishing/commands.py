"""What a client ordered, checked, as it is recorded with the flow: JSON by msgspec, and no bytes of media.

`request` is the fingerprint of what was asked for, before it was checked.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.publishing import MediumKind


@dataclass(frozen=True, slots=True)
class MediumOrder:
    """One medium; exactly one of the first four is set.

    `url` is public and https, `file` is the sha256 of a file in the spool (its `content_type` is known), `media_id` is
    a medium that is uploaded already, `story_id` a story that is live or archived.
    """

    url: str | None = None
    file: str | None = None
    media_id: str | None = None
    story_id: str | None = None
    kind: MediumKind = MediumKind.IMAGE
    content_type: str | None = None

    @property
    def is_uploaded(self) -> bool:
        return self.media_id is not None or self.story_id is not None


class OnMediaError(enum.Enum):
    """When one medium fails for good: FAIL fails the flow; SKIP goes on without it, as long as one is left."""

    FAIL = "FAIL"
    SKIP = "SKIP"


class OnQuota(enum.Enum):
    """When the account's publications of the rolling day are used up: WAIT until enough are free, or FAIL at once."""

    WAIT = "WAIT"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class CreateHighlight:
    """A highlight to be made of `media`, in this order. `cover` is a position in `media`, or an image of its own."""

    account: str
    title: str
    media: tuple[MediumOrder, ...]
    cover: int | MediumOrder | None = None
    on_media_error: OnMediaError = OnMediaError.FAIL
    on_quota: OnQuota = OnQuota.WAIT
    request: str = ""


@dataclass(frozen=True, slots=True)
class EditHighlight:
    """Changes of the highlight `pk`; what is None or empty stays.

    `cover` is a position in `add`, or an image of its own; `remove` holds the ids of items.
    """

    account: str
    pk: str
    title: str | None = None
    cover: int | MediumOrder | None = None
    add: tuple[MediumOrder, ...] = ()
    remove: tuple[str, ...] = ()
    on_quota: OnQuota = OnQuota.WAIT
    request: str = ""


@dataclass(frozen=True, slots=True)
class DeleteHighlight:
    """The highlight `pk` is to be gone."""

    account: str
    pk: str
    request: str = ""


HighlightCommand = CreateHighlight | EditHighlight | DeleteHighlight


def files_of(order: HighlightCommand) -> frozenset[str]:
    """The sha256 of each file it needs."""
    return frozenset(medium.file for medium in (*media_of(order), *_cover_of(order)) if medium.file is not None)


def media_of(order: HighlightCommand) -> tuple[MediumOrder, ...]:
    match order:
        case CreateHighlight():
            return order.media
        case EditHighlight():
            return order.add
        case DeleteHighlight():
            return ()
        case _:
            assert_never(order)


def highlight_of(order: HighlightCommand) -> str | None:
    """The pk of the highlight that it changes; None for one that is to be made."""
    match order:
        case CreateHighlight():
            return None
        case EditHighlight() | DeleteHighlight():
            return order.pk
        case _:
            assert_never(order)


def _cover_of(order: HighlightCommand) -> tuple[MediumOrder, ...]:
    """An image of its own."""
    match order:
        case CreateHighlight() | EditHighlight():
            return (order.cover,) if isinstance(order.cover, MediumOrder) else ()
        case DeleteHighlight():
            return ()
        case _:
            assert_never(order)

"""Commands: validated write requests as they are recorded with workflows. JSON by msgspec, without media content.

`request` is the fingerprint of the request before validation.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.publishing import MediumKind


@dataclass(frozen=True, slots=True)
class MediumSpec:
    """One medium; exactly one of the first four is set.

    `url` is public and https, `file` is the SHA-256 of a file in the spool (its `content_type` is known), `media_id`
    is a medium that is already uploaded, `story_id` a story that is live or archived.
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
    """The policy for a medium with a final error: FAIL the workflow, or SKIP the medium as long as another is left."""

    FAIL = "FAIL"
    SKIP = "SKIP"


class OnQuota(enum.Enum):
    """The policy for an exhausted publishing quota of the rolling day: WAIT until enough is free, or FAIL at once."""

    WAIT = "WAIT"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class CreateHighlight:
    """Create a highlight of `media`, in this order. `cover` is a position in `media`, or a separate image."""

    account: str
    title: str
    media: tuple[MediumSpec, ...]
    cover: int | MediumSpec | None = None
    on_media_error: OnMediaError = OnMediaError.FAIL
    on_quota: OnQuota = OnQuota.WAIT
    request: str = ""


@dataclass(frozen=True, slots=True)
class UpdateHighlight:
    """Edit the highlight `pk`; fields that are None or empty leave it unchanged.

    `cover` is a position in `add`, or a separate image; `remove` holds the ids of items.
    """

    account: str
    pk: str
    title: str | None = None
    cover: int | MediumSpec | None = None
    add: tuple[MediumSpec, ...] = ()
    remove: tuple[str, ...] = ()
    on_quota: OnQuota = OnQuota.WAIT
    request: str = ""


@dataclass(frozen=True, slots=True)
class DeleteHighlight:
    """Delete the highlight `pk`."""

    account: str
    pk: str
    request: str = ""


HighlightCommand = CreateHighlight | UpdateHighlight | DeleteHighlight


def files_of(order: HighlightCommand) -> frozenset[str]:
    """Return the SHA-256 of each file that the command needs."""
    return frozenset(medium.file for medium in (*media_of(order), *_cover_of(order)) if medium.file is not None)


def media_of(order: HighlightCommand) -> tuple[MediumSpec, ...]:
    match order:
        case CreateHighlight():
            return order.media
        case UpdateHighlight():
            return order.add
        case DeleteHighlight():
            return ()
        case _:
            assert_never(order)


def highlight_of(order: HighlightCommand) -> str | None:
    """Return the pk of the highlight that the command changes; None for one that it creates."""
    match order:
        case CreateHighlight():
            return None
        case UpdateHighlight() | DeleteHighlight():
            return order.pk
        case _:
            assert_never(order)


def _cover_of(order: HighlightCommand) -> tuple[MediumSpec, ...]:
    """Return the separate cover image, if the command has one."""
    match order:
        case CreateHighlight() | UpdateHighlight():
            return (order.cover,) if isinstance(order.cover, MediumSpec) else ()
        case DeleteHighlight():
            return ()
        case _:
            assert_never(order)

"""Commands: validated write requests as they are recorded with workflows. JSON by msgspec, without media content."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

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


class Command(Protocol):
    """A validated write request. `request` is the fingerprint of the input before validation."""

    @property
    def account(self) -> str: ...

    @property
    def request(self) -> str: ...

    @property
    def entity_id(self) -> str | None:
        """The id of the entity that it changes; None if it creates one."""

    @property
    def media(self) -> tuple[MediumSpec, ...]:
        """The media that it publishes, in order, a separate cover image apart."""

    @property
    def files(self) -> frozenset[str]:
        """The SHA-256 of each file that it needs."""


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

    @property
    def entity_id(self) -> str | None:
        return None

    @property
    def files(self) -> frozenset[str]:
        return _files_of(self.media, self.cover)


@dataclass(frozen=True, slots=True)
class UpdateHighlight:
    """Update the highlight `pk`; fields that are None or empty leave it unchanged.

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

    @property
    def entity_id(self) -> str | None:
        return self.pk

    @property
    def media(self) -> tuple[MediumSpec, ...]:
        return self.add

    @property
    def files(self) -> frozenset[str]:
        return _files_of(self.add, self.cover)


@dataclass(frozen=True, slots=True)
class WithoutMedia:
    """The properties of a command that publishes no media."""

    @property
    def media(self) -> tuple[MediumSpec, ...]:
        return ()

    @property
    def files(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class DeleteHighlight(WithoutMedia):
    """Delete the highlight `pk`."""

    account: str
    pk: str
    request: str = ""

    @property
    def entity_id(self) -> str | None:
        return self.pk


def _files_of(media: tuple[MediumSpec, ...], cover: int | MediumSpec | None) -> frozenset[str]:
    separate = (cover,) if isinstance(cover, MediumSpec) else ()
    return frozenset(medium.file for medium in (*media, *separate) if medium.file is not None)

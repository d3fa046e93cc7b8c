"""The publishing domain: media to upload, stories, changes of highlights, and the traits of a publishing upstream."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class MediumKind(enum.Enum):
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"


@dataclass(frozen=True, slots=True)
class LinkedMedium:
    """A medium that the upstream fetches itself, from a public https URL."""

    url: str
    kind: MediumKind


@dataclass(frozen=True, slots=True)
class FiledMedium:
    """A medium on disk, validated and within the upstream's limits.

    `content_type` is image/jpeg, video/mp4 or video/quicktime.
    """

    path: Path
    kind: MediumKind
    content_type: str


Source = LinkedMedium | FiledMedium


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A client's upload, stored in the spool under its SHA-256 and not validated. `size` is in bytes.

    The other fields are as the client declared them.
    """

    sha256: str
    size: int
    filename: str
    content_type: str


class ContainerState(enum.Enum):
    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Container:
    """An uploaded medium. `retry_after` is in seconds, if the upstream says when to poll again.

    `problem` describes an error in our words. `story` is set if the upload itself published the medium.
    """

    id: str
    state: ContainerState
    retry_after: float | None = None
    problem: str | None = None
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A published medium. `medium_id` adds it to a highlight, and identifies it later among the highlight's media.

    `expires_at` is in Unix seconds; None if the upstream does not report it.
    """

    id: str
    medium_id: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """A highlight as the publishing upstream returns it. `is_ready` is False while it is being created (202)."""

    pk: str
    title: str
    media_ids: tuple[str, ...]
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """Publications of one account in a rolling window of `window` seconds."""

    used: int
    total: int
    window: float


@dataclass(frozen=True, slots=True)
class HighlightChanges:
    """Changes of a highlight; those that are None or empty leave it unchanged.

    `add` and `remove` hold ids of media, `cover_id` the id of the one whose image becomes the cover.
    """

    title: str | None = None
    cover_id: str | None = None
    add: Sequence[str] = ()
    remove: Sequence[str] = ()

    @property
    def any(self) -> bool:
        return bool(self.title is not None or self.cover_id is not None or self.add or self.remove)


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits of a dialect; workflows depend on these, never on its name. What it can do, its protocols say.

    idempotent    the same key with the same body returns the first call's result for 24 h
    film_endings  URL path suffixes that the upstream treats as videos, and all others as images, whatever the content;
                  empty if the request states the kind
    """

    idempotent: bool
    film_endings: tuple[str, ...] = ()

    def taken_for(self, url: str) -> MediumKind | None:
        """Return the kind that the upstream infers from a URL; None if the request states it."""
        if not self.film_endings:
            return None
        is_film = urlsplit(url).path.lower().endswith(self.film_endings)
        return MediumKind.VIDEO if is_film else MediumKind.IMAGE


@dataclass(frozen=True, slots=True)
class Account:
    """An Instagram account whose token the gateway holds."""

    id: str
    username: str


@dataclass(frozen=True, slots=True)
class EntityRef:
    """A reference to an entity: the name of its GraphQL type, and its id on the platform."""

    type: str
    id: str

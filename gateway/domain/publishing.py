"""What is published: media on their way, stories, and what a publishing upstream can and cannot do."""

from __future__ import annotations

import enum
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
    """A medium on disk: checked, and within the upstream's limits.

    `content_type` is image/jpeg, video/mp4 or video/quicktime.
    """

    path: Path
    kind: MediumKind
    content_type: str


Source = LinkedMedium | FiledMedium


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that a client sent: in the spool under its SHA-256, unchecked. `size` is in bytes, the rest as claimed."""

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
    """An uploaded medium. `retry_after` is in seconds, where the upstream says when to look again.

    `problem` says what is wrong with it, in our words. `story` is set where the upload published it in the same call.
    """

    id: str
    state: ContainerState
    retry_after: float | None = None
    problem: str | None = None
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A published medium. `medium_id` is how a highlight is given it, and names it afterwards among its media.

    `expires_at` is in Unix seconds; None where the upstream does not say.
    """

    id: str
    medium_id: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """A highlight as the publishing upstream tells it. `is_ready` is False while it is still being made (202)."""

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
class Capabilities:
    """What a dialect can do; flows act on these, never on its name.

    idempotent           the same key with the same body answers the first call's result for 24 h
    processes_later      an upload may have to be waited for
    publishes_on_upload  an upload is a story at once: there is no separate publication
    tells_quota          the publishing limit can be asked for
    film_endings         how the path of a URL ends that is taken for a video, as any other is for an image, whatever
                         it shows; none where the upstream is told what it shows
    """

    idempotent: bool
    processes_later: bool
    publishes_on_upload: bool
    tells_quota: bool
    film_endings: tuple[str, ...] = ()

    def taken_for(self, url: str) -> MediumKind | None:
        """What the upstream takes a URL for by itself; None where it is told."""
        if not self.film_endings:
            return None
        is_film = urlsplit(url).path.lower().endswith(self.film_endings)
        return MediumKind.VIDEO if is_film else MediumKind.IMAGE


@dataclass(frozen=True, slots=True)
class Account:
    """An Instagram account whose token the gateway holds."""

    id: str
    username: str

"""Data transfer objects: the JSON of both publishing dialects, as far as the workflows use it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import msgspec

from gateway.domain.ids import pk_of
from gateway.domain.publishing import Account, ContainerState, Published
from gateway.errors import PublishingRejected
from gateway.upstream.client.lenient_decoding import UndecodableResponse

# Ids are used in URLs and records, so their length is bounded: the platform's have some twenty digits.
Id: TypeAlias = (
    Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
)

LONGEST_CURSOR = 2_000
# Highlights of an account: no known tray has more than 100, and each may need a request of its own.
MOST_HIGHLIGHTS = 2_000
HIGHLIGHT = "highlight:"
CODE = re.compile(r"(?<![0-9])-?[0-9]{1,9}(?![0-9])")
STATE = re.compile(rf"\s*({'|'.join(ContainerState.__members__).replace('_', '[ _-]')})\b", re.IGNORECASE)
FIT_FOR_A_HEADER = re.compile(r"[!-~]{1,4096}")


class AccountWire(msgspec.Struct, frozen=True, gc=False):
    """An account. The dialects name its id differently."""

    username: str
    id: Id | None = None
    pk: Id | None = None

    def account(self) -> Account:
        """Return the account. Raises UndecodableResponse without an id."""
        id = self.id if self.pk is None else self.pk
        if id is None:
            raise UndecodableResponse
        return Account(str(id), self.username)


class TokenWire(msgspec.Struct, frozen=True, gc=False):
    access_token: str

    def token(self) -> str:
        """Return the token. Raises UndecodableResponse if it is not valid in a header."""
        if not FIT_FOR_A_HEADER.fullmatch(self.access_token):
            raise UndecodableResponse
        return self.access_token


class ItemWire(msgspec.Struct, frozen=True, gc=False):
    pk: Id


class HighlightWire(msgspec.Struct, frozen=True, gc=False):
    """A highlight in the read API's form, or only its `id` and `status` while it is being created."""

    pk: Id | None = None
    id: Id | None = None
    title: str | None = None
    media_ids: tuple[Id, ...] | None = None
    media_count: int | None = None
    items: tuple[ItemWire, ...] | None = None
    status: str | None = None

    @property
    def key(self) -> str | None:
        id = self.id if self.pk is None else self.pk
        return None if id is None else str(id).removeprefix(HIGHLIGHT)

    @property
    def media(self) -> tuple[str, ...] | None:
        """The pks of the media; None if they are not loaded, as with an empty list unless `media_count` is 0."""
        ids = self.media_ids or tuple(item.pk for item in self.items or ())
        return tuple(pk_of(str(id)) for id in ids) if ids or self.media_count == 0 else None

    @property
    def is_ready(self) -> bool:
        return self.status != "IN_PROGRESS"

    def published(self) -> Published:
        """Return the highlight. Raises UndecodableResponse without an id, PublishingRejected if its creation failed."""
        if self.key is None:
            raise UndecodableResponse
        if self.status in ("ERROR", "EXPIRED"):
            raise PublishingRejected("The platform could not make the highlight.")
        return Published(self.key, self.title or "", self.media or (), self.is_ready)


class StoryWire(msgspec.Struct, frozen=True, gc=False):
    """A story in the read API's form."""

    pk: Id
    taken_at: datetime | float | None = None


class FlawWire(msgspec.Struct, frozen=True, gc=False):
    """The reason why a container failed, as codes of the error table, which may be texts."""

    code: int | str | None = None
    error_subcode: int | str | None = None


class ContainerWire(msgspec.Struct, frozen=True, gc=False):
    """A container.

    Its state is a word, `FINISHED`, or a sentence that begins with it, `Error: ...`; `status_code` is the word beside a
    sentence. The id may be missing in the response to a look-up by id.
    """

    id: Id | None = None
    status: str | None = None
    status_code: str | None = None
    error: FlawWire | str | None = None

    @property
    def state(self) -> ContainerState:
        """The state. Raises UndecodableResponse for an unknown one."""
        for state in (self.status_code, self.status):
            if word := STATE.match(state or ""):
                return ContainerState[re.sub("[ -]", "_", word[1].upper())]
        raise UndecodableResponse

    @property
    def flaws(self) -> tuple[int, ...]:
        """All error codes in any member of the container."""
        error = self.error
        sources = [error.error_subcode, error.code] if isinstance(error, FlawWire) else [error]
        return tuple(int(code) for one in (*sources, self.status) for code in CODE.findall(str(one or "")))


class PublicationWire(msgspec.Struct, frozen=True, gc=False):
    """A published story. `expires_at` is a date or Unix seconds."""

    id: Id
    expires_at: datetime | float | None = None


class CursorsWire(msgspec.Struct, frozen=True, gc=False):
    after: str | None = None


class PagingWire(msgspec.Struct, frozen=True, gc=False):
    cursors: CursorsWire | None = None
    next: str | None = None


class PageWire(msgspec.Struct, frozen=True, gc=False):
    data: tuple[HighlightWire, ...]
    paging: PagingWire | None = None

    @property
    def after(self) -> str | None:
        """The cursor of the next page. `next` only shows that there is one: its link is not requested with a token."""
        paging = self.paging
        return paging.cursors.after if paging and paging.next and paging.cursors else None


class QuotaSizeWire(msgspec.Struct, frozen=True, gc=False):
    """The size of a quota. `quota_duration` is in seconds."""

    quota_total: int
    quota_duration: float


class QuotaWire(msgspec.Struct, frozen=True, gc=False):
    quota_usage: int
    config: QuotaSizeWire


def named(wires: tuple[HighlightWire, ...]) -> tuple[HighlightWire, ...]:
    """Return the entries of a tray. Raises UndecodableResponse for an entry without an id, and for too many."""
    if len(wires) > MOST_HIGHLIGHTS or any(wire.key is None for wire in wires):
        raise UndecodableResponse
    return wires


def unix(moment: datetime | float | None) -> float | None:
    """Return Unix seconds; None for None, and for a value outside the range of dates, which is a mistake."""
    if moment is None:
        return None
    try:
        seconds = moment.timestamp() if isinstance(moment, datetime) else moment
        datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return seconds

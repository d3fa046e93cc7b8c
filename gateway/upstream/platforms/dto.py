"""The JSON of both publishing dialects, as far as the flows use it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import msgspec

from gateway.domain.publishing import Account, ContainerState, Published
from gateway.errors import PublishingRejected
from gateway.upstream.client.lenient_decoding import UndecodableResponse

# Ids go into URLs and records: those of the platform have some twenty digits.
Id: TypeAlias = (
    Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
)

LONGEST_CURSOR = 2_000
# Of an account: no tray seen so far had more than 100, and each may have to be looked at.
MOST_HIGHLIGHTS = 2_000
HIGHLIGHT = "highlight:"
CODE = re.compile(r"(?<![0-9])-?[0-9]{1,9}(?![0-9])")
STATE = re.compile(rf"\s*({'|'.join(ContainerState.__members__).replace('_', '[ _-]')})\b", re.IGNORECASE)
FIT_FOR_A_HEADER = re.compile(r"[!-~]{1,4096}")


class AccountWire(msgspec.Struct, frozen=True, gc=False):
    """The account itself. The dialects name its id differently."""

    username: str
    id: Id | None = None
    pk: Id | None = None

    def account(self) -> Account:
        """Raises Unreadable for one without an id."""
        id = self.id if self.pk is None else self.pk
        if id is None:
            raise UndecodableResponse
        return Account(str(id), self.username)


class TokenWire(msgspec.Struct, frozen=True, gc=False):
    access_token: str

    def token(self) -> str:
        """Raises Unreadable for one that no header can hold."""
        if not FIT_FOR_A_HEADER.fullmatch(self.access_token):
            raise UndecodableResponse
        return self.access_token


class ItemWire(msgspec.Struct, frozen=True, gc=False):
    pk: Id


class HighlightWire(msgspec.Struct, frozen=True, gc=False):
    """Of the read API's shape, or `id` and `status` alone while it is being made."""

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
        """None where they are not loaded: an empty list says so too, unless the highlight is said to be empty."""
        ids = self.media_ids or tuple(item.pk for item in self.items or ())
        return tuple(map(bare, ids)) if ids or self.media_count == 0 else None

    @property
    def is_ready(self) -> bool:
        return self.status != "IN_PROGRESS"

    def published(self) -> Published:
        """Raises Unreadable for one without an id, and PublishingRejected for one that will not be made."""
        if self.key is None:
            raise UndecodableResponse
        if self.status in ("ERROR", "EXPIRED"):
            raise PublishingRejected("The platform could not make the highlight.")
        return Published(self.key, self.title or "", self.media or (), self.is_ready)


class StoryWire(msgspec.Struct, frozen=True, gc=False):
    """A story as the read API tells it."""

    pk: Id
    taken_at: datetime | float | None = None


class FlawWire(msgspec.Struct, frozen=True, gc=False):
    """Why a container failed, by the codes of the error table. They may come as text."""

    code: int | str | None = None
    error_subcode: int | str | None = None


class ContainerWire(msgspec.Struct, frozen=True, gc=False):
    """Its state is a word, `FINISHED`, or a sentence that begins with it, `Error: ...`; `status_code` is the word
    beside a sentence. Whoever asked for it by its id need not be told that."""

    id: Id | None = None
    status: str | None = None
    status_code: str | None = None
    error: FlawWire | str | None = None

    @property
    def state(self) -> ContainerState:
        """Raises Unreadable for none that is known."""
        for said in (self.status_code, self.status):
            if word := STATE.match(said or ""):
                return ContainerState[re.sub("[ -]", "_", word[1].upper())]
        raise UndecodableResponse

    @property
    def flaws(self) -> tuple[int, ...]:
        """All codes that are told, wherever they stand."""
        error = self.error
        told = [error.error_subcode, error.code] if isinstance(error, FlawWire) else [error]
        return tuple(int(code) for one in (*told, self.status) for code in CODE.findall(str(one or "")))


class PublicationWire(msgspec.Struct, frozen=True, gc=False):
    """`expires_at` is a date or Unix seconds."""

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
        """The cursor of the next page. `next` says that there is one, but is no link to be followed with a token."""
        paging = self.paging
        return paging.cursors.after if paging and paging.next and paging.cursors else None


class QuotaSizeWire(msgspec.Struct, frozen=True, gc=False):
    """`quota_duration` is in seconds."""

    quota_total: int
    quota_duration: float


class QuotaWire(msgspec.Struct, frozen=True, gc=False):
    quota_usage: int
    config: QuotaSizeWire


def named(wires: tuple[HighlightWire, ...]) -> tuple[HighlightWire, ...]:
    """The entries of a tray. Raises Unreadable for one that does not say which highlight it is, and for too many."""
    if len(wires) > MOST_HIGHLIGHTS or any(wire.key is None for wire in wires):
        raise UndecodableResponse
    return wires


def bare(id: Id) -> str:
    """A medium's pk without the owner that may follow it: highlights name their media so."""
    return str(id).partition("_")[0]


def unix(moment: datetime | float | None) -> float | None:
    """None for what no date can tell, too: it cannot be meant."""
    if moment is None:
        return None
    try:
        seconds = moment.timestamp() if isinstance(moment, datetime) else moment
        datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return seconds

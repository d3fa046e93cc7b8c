"""The declaration of a read endpoint, and calls of endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.domain.ids import EntityId, ListPlace, LookupKey, Subject, UserId, Username
from gateway.domain.list_pages import BEGINNING
from gateway.reads.facts import FactKind, Value

OnSchemaMismatch = Callable[[tuple[str, ...]], None]


class Decoder(Protocol):
    """The decoder of an endpoint's responses."""

    def read(self, call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> Value:
        """Decode `body`, the response to `call`. Raises UpstreamInvalidAnswer.

        `on_drift` is called with the paths of the parts that do not match, such as `items[3].video_duration`.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Endpoint:
    """An endpoint: everything that the gateway knows of it. Compared by identity.

    `label` names it in the ledger, in bills and in events, `noun` its object in a sentence. `answers` is the fact that
    a response contains, about a subject of the type `by`; `embeds` are facts about its parts that it also contains.
    `by_id` is the endpoint that answers the same fact by the subject's id; None if this one does. Prices are in billed
    requests; `forced_price` is None if the upstream's privacy check cannot be skipped. `page_size` is the number of
    entries on an ordinary page of a list that the upstream pages, otherwise 0. `batch_size` is the largest number of
    objects that one call may be about: if it is above 1, what is decoded is a ListPage as JSON, with an entry for each.
    """

    label: str
    noun: str
    answers: FactKind
    by: type[EntityId | Username]
    price: int
    decoder: Decoder
    forced_price: int | None = None
    by_id: Endpoint | None = None
    embeds: FactKind = FactKind.NOTHING
    page_size: int = 0
    batch_size: int = 1

    @property
    def is_paged(self) -> bool:
        """True if a page may be followed by another one."""
        return self.page_size > 0

    @property
    def by_name(self) -> bool:
        """True if the key is a user name, which responses contain."""
        return self.by is Username


class Call(LookupKey, frozen=True, gc=False):
    """One upstream request. `key` is a user's id or name, or the pk of another object, as `endpoint` takes it.

    `forced` skips the upstream's privacy check; raises ValueError for an endpoint that cannot be forced. `cursor` is
    the upstream's, of a page after the first.
    """

    endpoint: Endpoint
    key: str
    forced: bool = False
    cursor: str = ""

    def __post_init__(self) -> None:
        if self.forced and self.endpoint.forced_price is None:
            raise ValueError(f"{self.endpoint.label} cannot be forced")

    @property
    def continues(self) -> bool:
        """True if the cursor is one that the upstream has issued."""
        return self.cursor not in ("", BEGINNING)

    @property
    def nominal_price(self) -> int:
        forced = self.endpoint.forced_price
        return forced if self.forced and forced is not None else self.endpoint.price

    @property
    def about(self) -> Subject:
        """The requested object, or the place of the requested page in its list."""
        named = self.endpoint.by(self.key)
        return ListPlace(named, self.cursor) if self.cursor and isinstance(named, EntityId) else named

    @property
    def subject(self) -> str:
        """The requested object in a sentence: `user 'natgeo'`."""
        return self.endpoint.by(self.key).subject

    def read(self, body: bytes) -> Value:
        """Decode `body`, the response. Raises UpstreamInvalidAnswer."""
        return self.endpoint.decoder.read(self, body)


def call_about(endpoint: Endpoint, subject: Subject, *, forced: bool = False) -> Call:
    """Return the call of `endpoint` whose answer is about `subject`."""
    if isinstance(subject, ListPlace):
        return Call(endpoint, subject.owner.pk, forced, subject.cursor)
    return Call(endpoint, subject.key, forced)


E_co = TypeVar("E_co", bound=Endpoint, covariant=True)


class Endpoints(Generic[E_co]):
    """The endpoints of one read API.

    `trays_have_items` is true if the answer to a tray by id contains each highlight with its items.
    """

    def __init__(self, *rows: E_co) -> None:
        self._rows = rows
        self._by_answer: dict[tuple[FactKind, type[Subject]], E_co] = {(row.answers, row.by): row for row in rows}
        tray = self.find(FactKind.TRAY, UserId)
        self.trays_have_items = tray is not None and FactKind.HIGHLIGHT in tray.embeds

    def __iter__(self) -> Iterator[E_co]:
        return iter(self._rows)

    def find(self, kind: FactKind, by: type[Subject]) -> E_co | None:
        """Return the endpoint that answers `kind` about a subject of the type `by`, or None."""
        return self._by_answer.get((kind, by))

    def answering(self, kind: FactKind, by: type[Subject]) -> E_co:
        """Return the endpoint that answers `kind` about a subject of the type `by`. Raise LookupError."""
        return self._by_answer[kind, by]

"""The ports of an operator's view and actions, and of requests to erase, for the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import WindowFigures
from gateway.billing.forecast import Forecast
from gateway.billing.ledger_store import Row
from gateway.cache.subject_entries import Target
from gateway.control.messages import Forgotten, WorkerReport
from gateway.durable.port import Tally


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """A client and what it may still spend. `ceiling` is in billed requests per operation; None means no limit."""

    id: str
    name: str
    ceiling: int | None
    windows: tuple[WindowFigures, ...]


class Operator(Protocol):
    """The view and the actions of an operator. Workers are those of this gateway, by their process ids.

    A worker that has not answered in time has None in the place of its answer.
    """

    @property
    def account(self) -> AccountGuard: ...

    async def forget(self, target: Target | None) -> Mapping[int, Forgotten | None]:
        """Forget the cached data of `target`, or all of it."""

    async def reports(self) -> Mapping[int, WorkerReport | None]:
        """Return the state of each worker."""

    async def spending(self, since: date | None, until: date | None, client: str | None) -> Sequence[Row]:
        """Return the spending by day, client and endpoint; by default today. Clients are named by name or id.

        Raise InvalidInput for too many days, and LedgerUnavailable.
        """

    async def forecast(self) -> Forecast:
        """Return the forecast for the account's balance. Raise LedgerUnavailable."""

    async def clients(self, name: str | None) -> Iterable[ClientFigures]:
        """Return the clients, or the one with this name or id. Raise LedgerUnavailable."""

    async def flows(self) -> Tally | None:
        """Return the numbers of flows; None for a gateway that cannot write. Raise FlowsUnavailable."""


@dataclass(frozen=True, slots=True)
class RecordedErasure:
    """A request to erase a person, as it is recorded. `url` is its page; `requested_at` is in Unix seconds."""

    code: str
    url: str
    requested_at: float


class Eraser(Protocol):
    async def request(self, user: str, client: str) -> RecordedErasure:
        """Request the erasure of the user with this id, for a client. Raise AccountsUnavailable."""

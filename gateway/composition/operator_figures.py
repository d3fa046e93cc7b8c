"""The figures of all processes that an operator sees: of the ledger, the account and the flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import Allowance
from gateway.billing.forecast import Forecast, first_day, forecast
from gateway.billing.ledger_store import Row
from gateway.clients.entries import MEDIA_PROXY
from gateway.clock import Clock
from gateway.control.port import ClientFigures
from gateway.domain.window import Window, day_of
from gateway.durable.port import Tally
from gateway.errors import InvalidInput
from gateway.scheduling import turn

if TYPE_CHECKING:
    from gateway.composition.app import Gateway

MOST_DAYS = 31  # of spending at once


class OperatorFigures:
    """The figures of the gateway whose parts are those of `gateway`."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    @property
    def account(self) -> AccountGuard:
        return self._gateway.spending.account

    async def spending(self, since: date | None, until: date | None, client: str | None) -> Sequence[Row]:
        today = day_of(self._clock.now())
        first = since if since is not None else today if until is None else until
        last = until if until is not None else max(today, first)
        if (last - first).days >= MOST_DAYS:
            raise InvalidInput(
                f"since and until may be {MOST_DAYS} days apart: `highlights-gateway ledger` shows more.", field="since"
            )
        names = self._names()
        id = None if client is None else next((id for id, name in names.items() if name == client), client)
        rows = await self._gateway.spending.ledger.read(first, last, id)
        return [replace(row, client=names.get(row.client, row.client)) for row in rows]

    async def forecast(self) -> Forecast:
        now = self._clock.now()
        ledger = self._gateway.spending.ledger
        rows = await ledger.read(first_day(now), day_of(now))
        return forecast(rows, self.account.balance, self.account.floor, now, made=ledger.made())

    async def clients(self, name: str | None) -> Sequence[ClientFigures]:
        found = []
        for id, (shown, ceiling, limits) in self._limits().items():
            if name in (None, id, shown):
                await turn()  # there may be many clients
                allowance = Allowance(id, limits, ledger=self._gateway.spending.ledger, clock=self._clock)
                found.append(ClientFigures(id, shown, ceiling, allowance.figures()))
        return sorted(found, key=lambda client: client.name)

    async def flows(self) -> Tally | None:
        publishing = self._gateway.publishing
        return None if publishing is None else await publishing.durable.tally()

    def _limits(self) -> dict[str, tuple[str, int | None, Mapping[Window, int]]]:
        """Return name, ceiling and allowance of each client by its id, that of the media proxy among them."""
        known = self._gateway.access.clients.everyone
        found = {client.id: (client.name, client.ceiling, client.allowance) for client in known}
        return {**found, MEDIA_PROXY: (MEDIA_PROXY, None, dict(self._gateway.settings.media_allowance))}

    def _names(self) -> dict[str, str]:
        return {id: name for id, (name, _, _) in self._limits().items()}

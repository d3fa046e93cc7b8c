"""The money of one process: the balance of the upstream account, and the ledger of the clients' allowances."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

from gateway.billing.account import Gauge
from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import Allowance, OperationBudget
from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.composition.background import background
from gateway.composition.ledger_place import check_place, opened_ledger
from gateway.composition.store_versions import prepare_stores
from gateway.domain.window import Window
from gateway.errors import LedgerUnavailable
from gateway.events import Hook, LedgerAvailabilityChanged, LedgerLost
from gateway.settings import Settings

FLUSH_SECONDS = 1.0


class Spending:
    """The account, which tells its balance to a gauge, and the ledger."""

    def __init__(self, settings: Settings, account: AccountGuard, clock: Clock, hook: Hook) -> None:
        """Open the ledger, the first of the stores. Raise Unusable."""
        check_place(settings)
        prepare_stores(settings)
        self.ledger = Ledger(opened_ledger(settings), clock=clock)
        self.account = account
        self._clock = clock
        self._hook = hook
        account.tell = Gauge(settings.balance_floor, settings.balance_warnings, hook).hear

    def budget(
        self,
        ceiling: int | None,
        client: str,
        limits: Mapping[Window, int],
        confirm: Callable[[], object] = lambda: None,
        weight: float = 1.0,
    ) -> OperationBudget:
        """Return the budget of one operation within the allowance of a client of this weight."""
        allowance = Allowance(client, limits, ledger=self.ledger, clock=self._clock)
        return OperationBudget(
            ceiling=ceiling, allowance=allowance, account=self.account, confirm=confirm, weight=weight
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with background(self._watch_ledger):
                yield
        finally:
            with self._reporting_unavailability():
                await self.ledger.aclose()

    def close(self) -> None:
        """Close the ledger of a gateway that never runs; a running one closes it at its end."""
        with self._reporting_unavailability():
            self.ledger.close()

    async def _watch_ledger(self) -> None:
        """Flush the ledger periodically. Spending that cannot be written is kept for the next successful flush."""
        writable, lost = True, False
        while True:
            was_writable, was_lost = writable, lost
            writable = await self._flushes()
            lost = not writable and self.ledger.is_lost
            if writable != was_writable:
                self._hook(LedgerAvailabilityChanged(writable))
            if lost and not was_lost:
                self._hook(LedgerLost())
            await self._clock.sleep(FLUSH_SECONDS)

    async def _flushes(self) -> bool:
        try:
            await self.ledger.flush()
            self.account.carry(self.ledger, self._clock.now())
            await self.account.lease_ahead(self.ledger, self._clock.now())
        except LedgerUnavailable:
            return False
        return True

    @contextlib.contextmanager
    def _reporting_unavailability(self) -> Iterator[None]:
        try:
            yield
        except LedgerUnavailable:
            self._hook(LedgerAvailabilityChanged(False))

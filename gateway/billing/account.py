"""The upstream account over time: its balance is polled, and an event is emitted as it sinks and recovers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.errors import InsufficientFunds, LedgerUnavailable, UpstreamError
from gateway.events import BalanceAtFloor, BalanceLow, BalanceRead, BalanceRecovered, Hook, RefusalForgotten
from gateway.reads.port import ReadApi

READ_SECONDS = 60.0
# Sooner while the upstream fails: without other calls this poll is also the probe that closes the circuit breaker.
TROUBLED_SECONDS = 5.0
BELIEVED = 60.0  # seconds for which a 402 counts while no balance can be read
# In percent of a threshold: a balance that was counted down and is then read a little higher has not recovered.
MARGIN = 10


class Gauge:
    """A monitor of the balance that emits an event at each threshold, once until the balance exceeds it by MARGIN.

    `thresholds` are in percent of the highest balance since the start. If several are passed at once, the event names
    the lowest.
    """

    def __init__(self, floor: int, thresholds: Sequence[int], hook: Hook) -> None:
        self._floor = floor
        self._thresholds = thresholds
        self._hook = hook
        self._highest = 0
        self._passed = frozenset[int | None]()

    def hear(self, balance: int) -> None:
        """Record a changed balance, in billed requests."""
        self._highest = max(self._highest, balance)
        limits = self._limits()
        sunk = {level for level, limit in limits.items() if balance <= limit}
        still = {level for level in self._passed if balance <= limits[level] * (100 + MARGIN) / 100}
        before, self._passed = self._passed, frozenset(sunk | still)
        if sunk - before:
            self._warn(balance, min(sunk - before, key=lambda level: (limits[level], level is not None)))
        elif before - self._passed:
            self._hook(BalanceRecovered(balance))

    def _limits(self) -> dict[int | None, float]:
        """Return the limits by percent; None is the key of the floor."""
        return {**{percent: self._highest * percent / 100 for percent in self._thresholds}, None: self._floor}

    def _warn(self, balance: int, percent: int | None) -> None:
        if percent is None:
            self._hook(BalanceAtFloor(balance, self._floor))
        else:
            self._hook(BalanceLow(balance, percent, self._highest))


async def watch(api: ReadApi, account: AccountGuard, ledger: Ledger, *, clock: Clock, hook: Hook) -> None:
    """Poll the balance, which is free, for ever. While polling fails, the guard counts down from the last balance.

    The ledger is flushed first: a balance is read that contains all that it has recorded as charged.

    A 402 counts for BELIEVED seconds, or until the balance is read, which is retried soon.
    """
    is_first, refused_at = True, None
    while True:
        seconds = TROUBLED_SECONDS
        with contextlib.suppress(LedgerUnavailable):
            await ledger.flush()
        requested_at = clock.now()
        charged = ledger.account.charged(requested_at)
        try:
            balance = await api.balance()
        except InsufficientFunds:  # the balance call itself answered 402, each time it is polled
            account.note_empty()
            refused_at = None
        except UpstreamError:
            pass
        else:
            if is_first:
                hook(BalanceRead(balance.requests, balance.amount, balance.currency))
            is_first = False
            reading = BalanceReading(balance.requests, requested_at, charged)
            with contextlib.suppress(LedgerUnavailable):
                await account.prepare(ledger, reading)
            account.note_balance(reading, ledger.account.unrecorded())
            seconds = READ_SECONDS
        now = clock.monotonic()
        refused_at = (refused_at or now) if account.is_refused else None
        if refused_at is not None and now - refused_at >= BELIEVED:
            account.forget_refusal()
            hook(RefusalForgotten())
        await _pause(seconds, account, clock)


async def _pause(seconds: float, account: AccountGuard, clock: Clock) -> None:
    """Wait for `seconds`, or less if meanwhile a 402 arrives, or others have leased what a purchase needs."""
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        await clock.sleep(min(left, TROUBLED_SECONDS))
        if account.is_refused or account.is_short:
            return

"""Spending limits: one operation's budget, its client's allowance, and the upstream account behind both.

All methods but `lease` are synchronous and never wait, so on one event loop no other task runs between a check and the
reservation. Amounts are billed requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.billing.account_guard import AccountGuard
from gateway.billing.leases import Claim, Lease
from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, BudgetExceeded, InsufficientFunds

__all__ = ["Allowance", "OperationBudget", "Reservation", "Window", "WindowFigures"]


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """The state of one window of an allowance. `spent` includes reservations and the leases of other processes."""

    window: Window
    limit: int
    spent: int
    remaining: int
    resets_at: int
    """Unix seconds."""


class Allowance:
    """The amount a client may still spend. All of its windows apply; an allowance without windows is unlimited.

    It is a view of the ledger, which records the spending, so a new one can be made each time a client's limits are
    read. Methods raise LedgerUnavailable when the ledger cannot be read or written.
    """

    def __init__(self, client: str, limits: Mapping[Window, int], *, ledger: Ledger, clock: Clock) -> None:
        self.client = client
        self.ledger = ledger
        self.clock = clock
        self._limits = limits

    def figures(self) -> tuple[WindowFigures, ...]:
        """Return the state of every window at one moment, in the order the limits were given."""
        return tuple(_figures(claim) for claim in self.claims())

    def tightest(self) -> WindowFigures | None:
        """Return the window with the least left, of several the one that resets last; None without limits."""
        if not self._limits:
            return None
        return min(self.figures(), key=lambda window: (window.remaining, -window.resets_at))

    @property
    def limit(self) -> int | None:
        tightest = self.tightest()
        return None if tightest is None else tightest.limit

    @property
    def spent(self) -> int | None:
        tightest = self.tightest()
        return None if tightest is None else tightest.spent

    def remaining(self) -> int | None:
        tightest = self.tightest()
        return None if tightest is None else tightest.remaining

    def resets_at(self) -> float | None:
        """Return the Unix seconds at which the tightest window ends."""
        tightest = self.tightest()
        return None if tightest is None else tightest.resets_at

    def check(self, price: int) -> None:
        """Raise AllowanceExceeded when `price` exceeds what is left in any window."""
        _refuse(price, [claim for claim in self.claims() if claim.remaining < price], self.clock.now())

    async def learn(self) -> None:
        """Read the figures of windows that this process has not read yet, where the other methods must not wait."""
        if self.ledger.is_remote:
            await self.ledger.learn(self.claims())

    def claims(self) -> list[Claim]:
        """Return a claim on each window, to be used at once."""
        now = self.clock.now()
        return [self.ledger.claim(self.client, window, limit, now) for window, limit in self._limits.items()]


class OperationBudget:
    """The amount one operation may spend. `charged` is the total so far; without a ceiling there is no limit.

    `weight` is that of its client's share of the upstream's rate, beside other clients. `confirm` is called before
    anything is spent, and raises a GatewayError when the operation's client may not spend any more.
    """

    def __init__(
        self,
        *,
        ceiling: int | None,
        allowance: Allowance,
        account: AccountGuard,
        confirm: Callable[[], object] = lambda: None,
        weight: float = 1.0,
    ) -> None:
        self.limit = ceiling
        self.weight = weight
        self.allowance = allowance
        self.account = account
        self._confirm = confirm
        self.charged = 0
        self._reserved = 0

    def lower(self, ceiling: int) -> None:
        """Lower the ceiling, unless it is lower already."""
        self.limit = ceiling if self.limit is None else min(self.limit, ceiling)

    def remaining(self) -> int | None:
        """Return the part of the ceiling that is neither charged nor reserved; None without a ceiling."""
        return None if self.limit is None else max(0, self.limit - self.charged - self._reserved)

    def admit(self, lower: int) -> None:
        """Admit an operation that will be charged `lower` at least. Reserve nothing.

        Raise BudgetExceeded, InsufficientFunds or AllowanceExceeded, and the errors of `confirm`.
        """
        self._confirm()
        self._check_ceiling(lower)
        self.account.check(lower, self._account_claim())
        self.allowance.check(lower)

    def covers(self, price: int) -> bool:
        """Return whether `admit` would admit an operation of this price."""
        try:
            self.admit(price)
        except (AllowanceExceeded, BudgetExceeded, InsufficientFunds):
            return False
        return True

    def reserve(self, price: int) -> Reservation:
        """Reserve `price` of the ceiling, the account and every window; raise as `admit` does and reserve nothing.

        Raise LeaseNeeded where more of them must be leased first, and LedgerUnavailable. Each reservation must be
        settled, even if its call was never made (then at 0).
        """
        self._confirm()
        self._check_ceiling(price)
        account, windows = self._account_claim(), self.allowance.claims()
        if price and self.account.is_refused:
            raise self.account.refusal(price)
        made_at = self.allowance.clock.now()
        blocked = self.allowance.ledger.take(price, windows, account)
        if account in blocked:
            raise self.account.refusal(price)
        _refuse(price, blocked, made_at)
        self._reserved += price
        return Reservation(self, price, tuple(claim.lease for claim in (*windows, account)), made_at)

    async def lease(self, price: int, wanted: int) -> None:
        """Lease more after LeaseNeeded: for `price` and the reservations after it, `wanted` in all.

        Another operation may take the lease first, so that the next `reserve` raises again. Raise LedgerUnavailable.
        """
        remaining = self.remaining()
        wanted = wanted if remaining is None else max(price, min(wanted, remaining))
        await self.allowance.ledger.lease(price, wanted, [*self.allowance.claims(), self._account_claim()])

    def settle(self, price: int, charged: int) -> None:
        """End a reservation of the ceiling and the account. Only `Reservation` calls this."""
        self._reserved -= price
        self.charged += charged
        self.account.note_charged(charged)

    def _account_claim(self) -> Claim:
        return self.account.claim(self.allowance.ledger, self.allowance.clock.now())

    def _check_ceiling(self, price: int) -> None:
        remaining = self.remaining()
        if remaining is not None and price > remaining:
            raise BudgetExceeded(
                f"This costs {price} billed requests; {remaining} of the operation's {self.limit} are left.",
                price=price,
                limit=self.limit,
                remaining=remaining,
            )


class Reservation:
    """A price reserved until the actual price of its call is known. It stays in the windows it was made in."""

    def __init__(self, budget: OperationBudget, price: int, leases: tuple[Lease, ...], made_at: float) -> None:
        self.price = price
        self._budget = budget
        self._leases = leases
        self._made_at = made_at
        self._settled = False

    def settle(self, charged: int, *, endpoint: str) -> None:
        """Count the amount charged, which may exceed the reservation, and release the rest. A second call does nothing.

        A call that was charged is itemised in the ledger under `endpoint`.
        """
        if self._settled:
            return
        self._settled = True
        allowance = self._budget.allowance
        self._budget.settle(self.price, charged)
        allowance.ledger.settle(self._leases, self.price, charged)
        if charged:
            allowance.ledger.itemise(self._made_at, allowance.client, endpoint, charged)


def _figures(claim: Claim) -> WindowFigures:
    lease = claim.lease
    return WindowFigures(lease.window, claim.limit, claim.spent, claim.remaining, lease.end)


def _refuse(price: int, blocked: Sequence[Claim], now: float) -> None:
    """Raise AllowanceExceeded if a window is blocked. Its retry time is the end of the last of them to end."""
    if not blocked:
        return
    last = max(blocked, key=lambda claim: claim.lease.end)
    remaining = min(claim.remaining for claim in blocked)
    resets_at = datetime.fromtimestamp(last.lease.end, UTC).isoformat()
    raise AllowanceExceeded(
        f"This costs {price} billed requests; of the allowance of {last.limit} per {last.lease.window.value} "
        f"{last.remaining} are left until {resets_at}.",
        price=price,
        remaining=remaining,
        resetsAt=resets_at,
        retryAfter=max(0.0, last.lease.end - now),
    )

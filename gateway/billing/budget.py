"""Who may spend what: one operation's purse, its client's allowance, and the upstream account behind both.

All of it but `lease` is synchronous and never waits, so on one event loop nothing comes between a check and the taking.
Amounts are billed requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.billing.leases import Claim, Lease
from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, BudgetExceeded, InsufficientFunds

__all__ = ["AccountGuard", "Allowance", "OperationBudget", "Reservation", "Window", "WindowFigures"]


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """One window of an allowance now. `spent` holds what is reserved, and what other processes leased."""

    window: Window
    limit: int
    spent: int
    remaining: int
    resets_at: int
    """Unix seconds."""


class Allowance:
    """What a client may still spend: its windows all apply; one without windows is unlimited.

    It is a view on the ledger, which remembers what was spent: to be made anew as often as a client's limits are read.
    Methods raise LedgerUnavailable when the ledger cannot be read or written.
    """

    def __init__(self, client: str, limits: Mapping[Window, int], *, ledger: Ledger, clock: Clock) -> None:
        self.client = client
        self.ledger = ledger
        self.clock = clock
        self._limits = limits

    def figures(self) -> tuple[WindowFigures, ...]:
        """Every window's figures at one moment, in the order the limits were given."""
        return tuple(_figures(claim) for claim in self._claims())

    def tightest(self) -> WindowFigures | None:
        """The window with the least left, of several the one that resets last; None when nothing limits."""
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
        """Unix seconds at which the tightest window ends."""
        tightest = self.tightest()
        return None if tightest is None else tightest.resets_at

    def check(self, price: int) -> None:
        """Raises AllowanceExceeded when `price` does not fit into every window."""
        _refuse(price, [claim for claim in self._claims() if claim.remaining < price], self.clock.now())

    def take(self, price: int) -> tuple[Lease, ...]:
        """Reserves `price` in every window, or raises AllowanceExceeded or LeaseNeeded and reserves nothing."""
        claims = self._claims()
        _refuse(price, self.ledger.take(price, claims), self.clock.now())
        return tuple(claim.lease for claim in claims)

    async def lease(self, price: int, wanted: int) -> None:
        """Waits until there is more to take: `wanted`, or what is left of it if that covers `price`."""
        await self.ledger.lease(price, wanted, self._claims())

    def _claims(self) -> list[Claim]:
        now = self.clock.now()
        return [self.ledger.claim(self.client, window, limit, now) for window, limit in self._limits.items()]


class AccountGuard:
    """The upstream account's balance, as last read and counted down since, and the floor it may not sink below.

    While the balance is not known (`None`) nothing is refused.
    """

    def __init__(self, *, floor: int, balance: int | None = None) -> None:
        self.floor = floor
        self.tell: Callable[[int], object] = lambda balance: None
        """Is given each balance that differs from the one before."""
        self._balance = balance
        self._reserved = 0
        self.is_refused = False
        """Whether the balance is what a 402 said, and none was read since."""

    @property
    def balance(self) -> int | None:
        return self._balance

    def note_balance(self, balance: int) -> None:
        """The upstream told the balance. Calls on their way may be in it or not: they stay reserved all the same."""
        self.is_refused = False
        self._note(balance)

    def note_spent(self, charged: int) -> None:
        if self.balance is not None:
            self._note(max(0, self.balance - charged))

    def note_empty(self) -> None:
        """The upstream answered 402: nothing is bought until a balance is read again, or this is forgotten."""
        self.is_refused = True
        self._note(0)

    def forget_refusal(self) -> None:
        """The next purchase finds out whether the account is empty: one 402 may have been a mistake."""
        self.is_refused = False
        self._balance = None

    def check(self, price: int) -> None:
        """Raises InsufficientFunds when buying for `price` would leave less than the floor."""
        if price and self.balance is not None and self.balance - self._reserved - price < self.floor:
            raise InsufficientFunds("The upstream account is out of funds: only what is cached can be answered.")

    def reserve(self, price: int) -> None:
        """Raises InsufficientFunds, as `check` does."""
        self.check(price)
        self._reserved += price

    def settle(self, price: int, charged: int) -> None:
        self._reserved -= price
        self.note_spent(charged)

    def _note(self, balance: int) -> None:
        if balance != self._balance:
            self._balance = balance
            self.tell(balance)


class OperationBudget:
    """What one operation may spend. `charged` is what it has been charged so far; without a ceiling it has no limit.

    `confirm` is asked before anything is spent, and raises a GatewayError when the operation's client may not any more.
    """

    def __init__(
        self,
        *,
        ceiling: int | None,
        allowance: Allowance,
        account: AccountGuard,
        confirm: Callable[[], object] = lambda: None,
    ) -> None:
        self.limit = ceiling
        self.allowance = allowance
        self.account = account
        self._confirm = confirm
        self.charged = 0
        self._reserved = 0

    def remaining(self) -> int | None:
        """Of the ceiling: neither charged nor reserved."""
        return None if self.limit is None else max(0, self.limit - self.charged - self._reserved)

    def admit(self, lower: int) -> None:
        """Lets an operation in that will be charged `lower` at least. Reserves nothing.

        Raises BudgetExceeded, InsufficientFunds or AllowanceExceeded, and what `confirm` raises.
        """
        self._confirm()
        self._check_ceiling(lower)
        self.account.check(lower)
        self.allowance.check(lower)

    def covers(self, price: int) -> bool:
        """Whether `admit` would let it in."""
        try:
            self.admit(price)
        except (AllowanceExceeded, BudgetExceeded, InsufficientFunds):
            return False
        return True

    def reserve(self, price: int) -> Reservation:
        """Reserves `price` of the ceiling, of the account and of every window; raises as `admit` and reserves nothing.

        Raises LeaseNeeded where more of the allowance must be leased first, and LedgerUnavailable. Each reservation
        must be settled, also when its call was never made (then at 0).
        """
        self._confirm()
        self._check_ceiling(price)
        self.account.check(price)
        made_at = self.allowance.clock.now()
        leases = self.allowance.take(price)
        self.account.reserve(price)
        self._reserved += price
        return Reservation(self, price, leases, made_at)

    async def lease(self, price: int, wanted: int) -> None:
        """After LeaseNeeded: for `price`, and for what is to be reserved after it, `wanted` in all.

        Others may be faster, so that the next `reserve` raises again. Raises LedgerUnavailable.
        """
        remaining = self.remaining()
        await self.allowance.lease(price, wanted if remaining is None else max(price, min(wanted, remaining)))

    def settle(self, price: int, charged: int) -> None:
        """Ends a reservation of the ceiling and the account: for `Reservation` alone."""
        self._reserved -= price
        self.charged += charged
        self.account.settle(price, charged)

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
    """A price that is set aside until the call's real price is known. It stays with the windows it was made in."""

    def __init__(self, purse: OperationBudget, price: int, leases: tuple[Lease, ...], made_at: float) -> None:
        self.price = price
        self._purse = purse
        self._leases = leases
        self._made_at = made_at
        self._settled = False

    def settle(self, charged: int, *, endpoint: str) -> None:
        """Counts what was charged, more than was reserved too, and sets the rest free. A second time does nothing.

        A call that was charged is itemised in the ledger under `endpoint`.
        """
        if self._settled:
            return
        self._settled = True
        allowance = self._purse.allowance
        self._purse.settle(self.price, charged)
        allowance.ledger.settle(self._leases, self.price, charged)
        if charged:
            allowance.ledger.itemise(self._made_at, allowance.client, endpoint, charged)


def _figures(claim: Claim) -> WindowFigures:
    lease = claim.lease
    return WindowFigures(lease.window, claim.limit, claim.spent, claim.remaining, lease.end)


def _refuse(price: int, blocked: Sequence[Claim], now: float) -> None:
    """Raises AllowanceExceeded if a window is blocked. Worth coming back at is the end of the last one to end."""
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

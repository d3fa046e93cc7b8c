"""The guard of the upstream account: nothing is bought that would leave less than the floor."""

from __future__ import annotations

from collections.abc import Callable

from gateway.billing.account_leases import BalanceReading
from gateway.billing.leases import Claim
from gateway.billing.ledger import Ledger
from gateway.errors import InsufficientFunds


class AccountGuard:
    """The upstream account's balance, as last read and counted down since, and the floor it may not sink below.

    Purchases lease from the balance in the ledger, so all processes of one ledger keep to the floor together. While the
    balance is unknown (`None`) nothing is refused. Amounts are billed requests.
    """

    def __init__(self, *, floor: int) -> None:
        self.floor = floor
        self.tell: Callable[[int], object] = lambda balance: None
        """A listener that is called with each balance that differs from the one before."""
        self._reading: BalanceReading | None = None
        self._balance: int | None = None
        self.is_refused = False
        """True while the balance is the zero of a 402, and none was read since."""
        self.is_short = False
        """True if a purchase was refused that the balance covers: of the rest, other processes have leased too much."""

    @property
    def balance(self) -> int | None:
        return self._balance

    def note_balance(self, reading: BalanceReading, charged: int = 0) -> None:
        """Record a balance read from the upstream. `charged` is what this process was charged since it was asked for.

        The balance may contain that already; the next flush of the ledger says so.
        """
        self.is_refused = self.is_short = False
        self._reading = reading
        self._note(max(0, reading.balance - charged))

    async def prepare(self, ledger: Ledger, reading: BalanceReading) -> None:
        """Lease a block before the first reading is noted, so that no purchase waits. Raise LedgerUnavailable."""
        if self._reading is None:
            claim = ledger.account.claim(reading, self.floor, reading.requested_at)
            await ledger.lease(1, claim.lease.block, [claim])

    async def lease_ahead(self, ledger: Ledger, now: float) -> None:
        """Lease the next block before the present one is spent. Raise LedgerUnavailable."""
        claim = self.claim(ledger, now)
        if ledger.account.lacks_idle(claim, now):
            await ledger.lease(0, claim.lease.block, [claim])

    def carry(self, ledger: Ledger, now: float) -> None:
        """Count down what all processes were charged, after a flush of the ledger."""
        if self._reading is not None:
            self._reading = ledger.account.carried(self._reading, now)
            self._note(max(0, self._reading.balance - ledger.account.unrecorded()))

    def note_charged(self, charged: int) -> None:
        """Subtract the amount charged for a call from a known balance."""
        if self._balance is not None:
            self._note(max(0, self._balance - charged))

    def note_empty(self) -> None:
        """Record a 402 of the upstream.

        Nothing is bought until a balance is read again, or `forget_refusal` is called.
        """
        self.is_refused = True
        self._reading = None
        self._note(0)

    def forget_refusal(self) -> None:
        """Make the balance unknown, so that the next purchase is attempted: one 402 may have been a mistake."""
        self.is_refused = False
        self._balance = None

    def claim(self, ledger: Ledger, now: float) -> Claim:
        """Return a claim on what the balance has above the floor, to be used at once."""
        return ledger.account.claim(self._reading, self.floor, now)

    def check(self, price: int, claim: Claim) -> None:
        """Raise InsufficientFunds when buying for `price` would leave less than the floor, as far as it is known."""
        if (price and self.is_refused) or (claim.lease.read_at is not None and claim.remaining < price):
            raise self.refusal(price)

    def refusal(self, price: int) -> InsufficientFunds:
        """Return the error for a purchase that is not covered."""
        self.is_short |= self._reading is not None and self._reading.balance - self.floor >= price
        return InsufficientFunds("The upstream account is out of funds: only what is cached can be answered.")

    def _note(self, balance: int) -> None:
        if balance != self._balance:
            self._balance = balance
            self.tell(balance)

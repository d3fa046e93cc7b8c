"""Leases of allowances, and the changes that one transaction makes to them.

The ledger holds its lock during every call but `Round.write`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, TypeAlias

from gateway.billing.ledger_store import Key, LedgerSetBack, LedgerStore, Row, Transaction, unavailable
from gateway.domain.window import Window
from gateway.errors import LedgerUnavailable

LARGEST_BLOCK = 64
BLOCKS_PER_LIMIT = 20
# Seconds without a purchase after which a process hands back what it holds idle; SCARCE_SECONDS while less than a block
# of the limit is left to the other processes.
RESTING_SECONDS, SCARCE_SECONDS = 60.0, 2.0
# Seconds for which ended windows are kept. Older ones are not read; a clock set back by a day still finds its windows.
RETENTION_SECONDS = 2 * 86_400
# In the place of a client's id, which has no parentheses: leased of the account's balance, and charged by the upstream.
ACCOUNT, CHARGED = "(account)", "(account, charged)"
UNLIMITED = 10**15

Items: TypeAlias = Mapping[tuple[date, str, str], tuple[int, int]]
"""Calls and the amounts billed for them, by day, client and endpoint."""


class LeaseNeeded(Exception):
    """More of the allowance must be leased before a reservation."""


@dataclass(slots=True, eq=False)
class Lease:
    """This process's part of one client's window. All amounts are billed requests."""

    is_followed: ClassVar[bool] = False
    """True if each flush reads its figures, and a claim does not."""

    client: str
    window: Window
    start: int
    end: int
    idle: int = 0
    """Leased by this process and not reserved; a negative amount is an overrun that could not be leased yet."""
    reserved: int = 0
    block: int = 1
    """The most that a settlement leaves idle, for the limit that was last claimed."""
    limit: int = 0
    used_at: float = 0.0
    """The Unix seconds at which something was last taken or leased."""
    leased: int = 0
    """Leased by all processes, as in the store when it was last read."""
    read_at: float | None = None
    """The Unix seconds of that, in a store that only transactions read."""
    here: int = 0
    """The part of `leased` that this process has committed."""
    returned: int = 0
    """No longer idle, and handed back by the transaction in progress."""

    @property
    def key(self) -> Key:
        return self.client, self.window.value, self.start

    def checked(self, leased: int) -> int:
        """Return `leased`, as read. Raise LedgerSetBack where the disk holds less than this process has committed."""
        if leased < self.here:
            raise LedgerSetBack(unavailable().message)
        return leased

    def was_read_since(self, time: float) -> bool:
        return self.read_at is not None and self.read_at >= time

    def imbalance(self, now: float, *, is_closed: bool) -> int:
        """Return the amount to add, so that no overrun is left, and no more idle than a block.

        Nothing idle is left of a window that has ended, or that others lack, nor at the end of the process.
        """
        most = 0 if is_closed or self.end <= now or self.is_resting(now) else self.block
        return max(0, min(self.idle, most)) - self.idle

    def is_resting(self, now: float) -> bool:
        """Return whether what is idle is of more use to other processes: sooner where little is left for them."""
        is_scarce = self.limit - self.leased < self.block
        return self.idle > 0 and now - self.used_at >= (SCARCE_SECONDS if is_scarce else RESTING_SECONDS)

    @property
    def spent(self) -> int:
        """The amount charged or reserved; leases of other processes count as spent."""
        return self.leased - self.returned - self.idle

    @property
    def is_even(self) -> bool:
        """False if an amount has to be leased or handed back before the next flush."""
        return 0 <= self.idle <= self.block

    def settle(self, price: int, charged: int) -> None:
        """End a reservation of `price` of which `charged` was charged."""
        self.reserved -= price
        self.idle += price - charged


@dataclass(slots=True, eq=False)
class AccountLease(Lease):
    """This process's part of the balance of the upstream account, for the reservations of one window."""

    is_followed: ClassVar[bool] = True

    charged: int = 0
    """Charged to this process, and not recorded in the store yet."""
    recorded: int = 0
    """Charged to all processes, as recorded in the store when it was last read."""

    @property
    def record(self) -> Key:
        return CHARGED, self.window.value, self.start

    @property
    def is_even(self) -> bool:
        """As of other leases; but what was taken while the balance was unknown is leased by the next flush."""
        return self.idle <= self.block

    def settle(self, price: int, charged: int) -> None:
        Lease.settle(self, price, charged)
        self.charged += charged


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease to reserve from, with its limit at this moment. The limit includes what is leased in `beside`."""

    lease: Lease
    limit: int
    spent: int
    beside: Sequence[Lease] = ()

    def covers(self, price: int) -> bool:
        """Return whether `price` can be reserved without a transaction."""
        return not price or self.lease.idle >= price or self.limit == UNLIMITED

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.spent)


@dataclass(slots=True, eq=False)
class Request:
    """A request to the ledger's thread: to lease `wanted`, or what is left of the limit if that covers `price`."""

    price: int = 0
    wanted: int = 0
    claims: Sequence[Claim] = ()
    flush_at: float | None = None
    """The time of a flush: write the itemised spending, and settle the windows that have ended by then."""
    at: float = 0.0
    """The Unix seconds at which it was made."""
    problem: LedgerUnavailable | None = None


@dataclass(slots=True, eq=False)
class Round:
    """The work of one transaction of the ledger's thread. Amounts are those at its start."""

    requests: list[Request]
    evened: dict[Lease, int]
    """The amount added to each lease: an overrun, or, negative, an amount handed back."""
    idle: dict[Lease, int]
    """The idle amount after that, of every lease in the round."""
    items: Items
    flushed_at: float | None
    looked_up: dict[Lease, int] = field(default_factory=dict)
    """The leases that are only read, and the amounts that all processes have leased."""
    charged: dict[AccountLease, int] = field(default_factory=dict)
    """The amounts that a flush records as charged, of the leases whose records it reads."""
    recorded: dict[AccountLease, int] = field(default_factory=dict)
    """The amounts that all processes had recorded before."""
    found: dict[Lease, int] = field(default_factory=dict)
    """The amount of each lease that all processes had leased before."""
    granted: dict[Lease, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.requests or self.evened or self.items or self.flushed_at is not None)

    def write(self, store: LedgerStore) -> None:
        """Write the round to the store. Raise LedgerUnavailable, and then write nothing."""
        self.granted = {}
        with store.transaction() as transaction:
            self._write(transaction)

    def _write(self, transaction: Transaction) -> None:
        records = {lease.record: amount for lease, amount in self.charged.items() if amount}
        locked = transaction.lock([*(lease.key for lease in self.idle), *records])
        self.found = {lease: locked[lease.key] for lease in self.idle}
        read = transaction.read([*(lease.key for lease in self.looked_up), *(lease.record for lease in self.charged)])
        self.looked_up = {lease: lease.checked(read[lease.key]) for lease in self.looked_up}
        self.recorded = {lease: read[lease.record] for lease in self.charged}
        for request in self.requests:
            self._grant(request)
        amounts = {lease.key: self.evened.get(lease, 0) + self.granted.get(lease, 0) for lease in self.idle}
        transaction.add({key: amount for key, amount in (amounts | records).items() if amount})
        if self.flushed_at is not None:
            transaction.prune(int(self.flushed_at) - RETENTION_SECONDS)
            transaction.spend([Row(*key, *amounts) for key, amounts in self.items.items()])

    def note(self) -> None:
        """Apply the committed amounts to memory.

        Only after the commit, so that memory never holds an amount that the disk does not.
        """
        for lease, leased in (*self.found.items(), *self.looked_up.items()):
            lease.leased = leased
            if self.requests:  # the time of others is not known, because a thread may have no clock
                lease.read_at = max(request.at for request in self.requests)
        for lease, amount in self.evened.items():
            lease.leased += amount
            lease.here += amount
            if amount < 0:
                lease.returned += amount
            else:
                lease.idle += amount
        for lease, amount in self.granted.items():
            lease.leased += amount
            lease.here += amount
            lease.idle += amount
        for lease, amount in self.recorded.items():
            lease.recorded = amount + self.charged[lease]

    def undo(self, problem: LedgerUnavailable) -> None:
        """Restore the leases after `write` has failed, and refuse every request."""
        for lease, amount in self.evened.items():
            if amount < 0:
                lease.idle -= amount
                lease.returned += amount
        for one, charged in self.charged.items():
            one.charged += charged
        self.refuse(problem)

    def refuse(self, problem: LedgerUnavailable) -> None:
        """Set `problem` as the error of every request."""
        for request in self.requests:
            request.problem = problem

    def _grant(self, request: Request) -> None:
        """Lease for a request in all of its windows or in none.

        The amount that the request will reserve is not available to the requests after it.
        """
        amounts = {}
        for claim in request.claims:
            lease = claim.lease
            leased = sum(self._leased(one) for one in (lease, *claim.beside))
            missing, left = request.wanted - self.idle[lease], claim.limit - leased
            amounts[lease] = max(0, min(max(missing, lease.block), left)) if missing > 0 else 0
            if self.idle[lease] + amounts[lease] < request.price:
                return
        for lease, amount in amounts.items():
            self.granted[lease] = self.granted.get(lease, 0) + amount
            self.idle[lease] = max(0, self.idle[lease] + amount - request.wanted)

    def _leased(self, lease: Lease) -> int:
        """Return what all processes have leased at this point of the transaction."""
        return lease.checked(self.found[lease]) + self.evened.get(lease, 0) + self.granted.get(lease, 0)


def block_of(limit: int) -> int:
    """Return the size of a block for a limit, in billed requests."""
    return max(1, min(LARGEST_BLOCK, limit // BLOCKS_PER_LIMIT))


def add_items(items: dict[tuple[date, str, str], tuple[int, int]], more: Items) -> None:
    """Add to the itemised spending."""
    for key, (calls, billed) in more.items():
        before = items.get(key, (0, 0))
        items[key] = before[0] + calls, before[1] + billed

"""Leases of allowances, and the changes that one transaction makes to them.

The ledger holds its lock during every call but `Round.write`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from gateway.billing.ledger_file import LedgerFile, Row, unavailable
from gateway.domain.window import Window
from gateway.errors import LedgerUnavailable

LARGEST_BLOCK = 64
BLOCKS_PER_LIMIT = 20
# Seconds for which ended windows are kept. Older ones are not read; a clock set back by a day still finds its windows.
RETENTION_SECONDS = 2 * 86_400

Items: TypeAlias = Mapping[tuple[date, str, str], tuple[int, int]]
"""Calls and the amounts billed for them, by day, client and endpoint."""


class LedgerSetBack(LedgerUnavailable):
    """The file's content was replaced while it was open, by an older copy or another ledger."""


class LeaseNeeded(Exception):
    """More of the allowance must be leased before a reservation."""


@dataclass(slots=True, eq=False)
class Lease:
    """This process's part of one client's window. All amounts are billed requests."""

    client: str
    window: Window
    start: int
    end: int
    idle: int = 0
    """Leased by this process and not reserved; a negative amount is an overrun that could not be leased yet."""
    reserved: int = 0
    block: int = 1
    """The most that a settlement leaves idle, for the limit that was last claimed."""
    leased: int = 0
    """Leased by all processes, as on disk when it was last read."""
    here: int = 0
    """The part of `leased` that this process has committed."""
    returned: int = 0
    """No longer idle, and handed back by the transaction in progress."""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.client, self.window.value, self.start

    def checked(self, leased: int) -> int:
        """Return `leased`, as read. Raise LedgerSetBack where the disk holds less than this process has committed."""
        if leased < self.here:
            raise LedgerSetBack(unavailable().message)
        return leased

    @property
    def spent(self) -> int:
        """The amount charged or reserved; leases of other processes count as spent."""
        return self.leased - self.returned - self.idle


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease to reserve from, with its limit at this moment."""

    lease: Lease
    limit: int
    spent: int

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
    granted: dict[Lease, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.requests or self.evened or self.items or self.flushed_at is not None)

    def write(self, file: LedgerFile) -> None:
        """Write the round to the file. Raise LedgerUnavailable, and then write nothing."""
        with file.transaction():
            for lease, amount in self.evened.items():
                file.lease(*lease.key, amount)
            for request in self.requests:
                self._grant(request, file)
            if self.flushed_at is not None:
                file.prune(int(self.flushed_at) - RETENTION_SECONDS)
                file.spend([Row(*key, *amounts) for key, amounts in self.items.items()])

    def note(self) -> None:
        """Apply the committed amounts to memory.

        Only after the commit, so that memory never holds an amount that the disk does not.
        """
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

    def undo(self, problem: LedgerUnavailable) -> None:
        """Restore the leases after `write` has failed, and set `problem` as the error of every request."""
        for lease, amount in self.evened.items():
            if amount < 0:
                lease.idle -= amount
                lease.returned += amount
        for request in self.requests:
            request.problem = problem

    def _grant(self, request: Request, file: LedgerFile) -> None:
        """Lease for a request in all of its windows or in none.

        The amount that the request will reserve is not available to the requests after it.
        """
        amounts = {}
        for claim in request.claims:
            lease = claim.lease
            missing, left = request.wanted - self.idle[lease], claim.limit - lease.checked(file.leased(*lease.key))
            amounts[lease] = max(0, min(max(missing, lease.block), left)) if missing > 0 else 0
            if self.idle[lease] + amounts[lease] < request.price:
                return
        for lease, amount in amounts.items():
            if amount:
                file.lease(*lease.key, amount)
            self.granted[lease] = self.granted.get(lease, 0) + amount
            self.idle[lease] = max(0, self.idle[lease] + amount - request.wanted)


def block_of(limit: int) -> int:
    """Return the size of a block for a limit, in billed requests."""
    return max(1, min(LARGEST_BLOCK, limit // BLOCKS_PER_LIMIT))

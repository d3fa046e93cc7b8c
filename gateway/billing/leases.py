"""Leases of allowances, and what one transaction does to them. The ledger holds its lock over all but `Round.write`."""

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
# Nobody asks for the minutes of the day before yesterday; a clock that was set back by a day still finds its windows.
KEPT_SECONDS = 2 * 86_400

Items: TypeAlias = Mapping[tuple[date, str, str], tuple[int, int]]
"""Calls and what they were billed, by day, client and endpoint."""


class LedgerSetBack(LedgerUnavailable):
    """The file's content was replaced while it was open, by an older copy or another ledger."""


class LeaseNeeded(Exception):
    """More of the allowance must be leased before it can be taken."""


@dataclass(slots=True, eq=False)
class Lease:
    """This process's part of one client's window. All amounts are billed requests."""

    client: str
    window: Window
    start: int
    end: int
    idle: int = 0
    """Leased here and free to be taken; negative is an overrun that could not be leased yet."""
    reserved: int = 0
    block: int = 1
    """The most that a settlement leaves idle: of the limit that was last claimed."""
    leased: int = 0
    """By all processes, as on disk when it was last read."""
    here: int = 0
    """Of that by this process, as it was committed."""
    returned: int = 0
    """Idle no more, and handed back by the transaction under way."""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.client, self.window.value, self.start

    def checked(self, leased: int) -> int:
        """`leased`, as it was read. Raises LedgerSetBack where the disk holds less than this process has put there."""
        if leased < self.here:
            raise LedgerSetBack(unavailable().message)
        return leased

    @property
    def spent(self) -> int:
        """Charged or reserved; what other processes have leased counts as spent."""
        return self.leased - self.returned - self.idle


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease to take from, with what limits it at this moment."""

    lease: Lease
    limit: int
    spent: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.spent)


@dataclass(slots=True, eq=False)
class Request:
    """What somebody asks of the thread: to lease `wanted`, or what is left of it if that covers `price`."""

    price: int = 0
    wanted: int = 0
    claims: Sequence[Claim] = ()
    flush_at: float | None = None
    """Also to write what is itemised, and to settle the windows that have ended by then."""
    problem: LedgerUnavailable | None = None


@dataclass(slots=True, eq=False)
class Round:
    """What the thread does in one transaction. Amounts are as they were when it began."""

    requests: list[Request]
    evened: dict[Lease, int]
    """What is added to each lease: an overrun, or, negative, what is handed back."""
    idle: dict[Lease, int]
    """After that, of all leases the round is about."""
    items: Items
    flushed_at: float | None
    granted: dict[Lease, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.requests or self.evened or self.items or self.flushed_at is not None)

    def write(self, file: LedgerFile) -> None:
        """Raises LedgerUnavailable, and then nothing is written."""
        with file.transaction():
            for lease, amount in self.evened.items():
                file.lease(*lease.key, amount)
            for request in self.requests:
                self._grant(request, file)
            if self.flushed_at is not None:
                file.prune(int(self.flushed_at) - KEPT_SECONDS)
                file.spend([Row(*key, *amounts) for key, amounts in self.items.items()])

    def note(self) -> None:
        """Takes committed amounts into memory: only now, so that memory never holds what the disk does not."""
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
        """After `write` has failed."""
        for lease, amount in self.evened.items():
            if amount < 0:
                lease.idle -= amount
                lease.returned += amount
        for request in self.requests:
            request.problem = problem

    def _grant(self, request: Request, file: LedgerFile) -> None:
        """In all windows of the request or in none. What it will take is gone for those that asked after it."""
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
    return max(1, min(LARGEST_BLOCK, limit // BLOCKS_PER_LIMIT))

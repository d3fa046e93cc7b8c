"""The balance of the upstream account, leased as the clients' allowances are, so that all processes keep to its floor.

The account has no limit of its own for a window: it follows from a reading of its balance. The store has two amounts
for each hour: what all processes have leased for the reservations of that hour, as of any client, and what was charged
for them, which each flush adds. What was leased and not charged can still be spent.

**The limit.** The records are read first, then the balance is asked for, so that it contains all that they say. After
it no more can be charged than is leased less those records. So a process leases only while, over the hours that count,

    leased now - recorded before the reading <= balance read - floor

and whatever the others have read, and when, the account does not sink below its floor. What is recorded late makes the
limit lower for a moment. Other users of the account are known from the next reading on.

**Hours.** Those from the hour before the reading to the hour after the present one count: a process whose clock is
ahead leases in the next one, and a purchase at the very end of an hour leases after it. No call lasts for an hour, so
what an earlier hour has leased and not recorded was lost by processes that died. It counts for two hours at most,
unless no balance is read in that time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.billing.leases import (
    ACCOUNT,
    BLOCKS_PER_LIMIT,
    LARGEST_BLOCK,
    RESTING_SECONDS,
    UNLIMITED,
    AccountLease,
    Claim,
)
from gateway.domain.window import Window

HOUR = 3_600
LARGEST_ACCOUNT_BLOCK = 1_000
# Seconds for which a reading is used. The rows of the store live for two days.
OLDEST_SECONDS = 86_400
# Seconds after the end of an hour in which a process whose clock is behind may still lease in it.
LATE_SECONDS = 600
# Hours after its own for which a lease stays in memory.
REMEMBERED_HOURS = 3


@dataclass(frozen=True, slots=True)
class BalanceReading:
    """A balance in billed requests, and what was recorded as charged when it was asked for, by the start of the hour.

    `requested_at` is in Unix seconds. `limit` is what may be leased in the hours that count, with a floor of 0.
    """

    balance: int
    requested_at: float
    charged: Mapping[int, int]
    limit: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", self.balance + sum(self.charged.values()))


class AccountLeases:
    """One process's leases of the account, one for each hour.

    `memory` is the lock of their ledger, which calls the methods that say so while it holds it.
    """

    def __init__(self, memory: threading.Lock) -> None:
        self._memory = memory
        self._leases: dict[int, AccountLease] = {}
        # Of the last claim: it is made three times in an operation that buys, and the hours change rarely.
        self._hours = (-1, -1)
        self._claimed: tuple[AccountLease, tuple[AccountLease, ...]] | None = None

    def claim(self, reading: BalanceReading | None, floor: int, now: float) -> Claim:
        """Return a claim on what the account has above `floor`, to be used at once.

        Without a reading, or with one that is older than a day, the balance is unknown, and the claim has no limit.
        """
        since, limit = now, UNLIMITED
        if reading is not None and now - reading.requested_at <= OLDEST_SECONDS:
            since, limit = reading.requested_at, reading.limit - floor
        with self._memory:
            lease, beside = self._counted(since, now)
            others = 0
            for one in beside:
                others += one.leased - one.returned
            lease.limit = limit - others
            if limit == UNLIMITED:
                lease.block = LARGEST_BLOCK
            else:
                lease.block = max(1, min(LARGEST_ACCOUNT_BLOCK, (lease.limit - lease.spent) // BLOCKS_PER_LIMIT))
            return Claim(lease, limit, lease.spent + others, beside)

    def lacks_idle(self, claim: Claim, now: float) -> bool:
        """Return whether a process that buys has spent more than half of its block."""
        with self._memory:
            is_used = any(now - lease.used_at < RESTING_SECONDS for lease in self._leases.values())
            return is_used and claim.limit != UNLIMITED and claim.lease.idle < claim.lease.block // 2

    def charged(self, now: float) -> dict[int, int]:
        """Return what is recorded as charged, for a reading that is asked for after `now`."""
        with self._memory:
            return {start: lease.recorded for start, lease in self._leases.items() if start >= _hour(now) - HOUR}

    def unrecorded(self) -> int:
        """Return what was charged to this process and is not recorded yet."""
        with self._memory:
            return sum(lease.charged for lease in self._leases.values())

    def carried(self, reading: BalanceReading, now: float) -> BalanceReading:
        """Return `reading` as one that was asked for `now`: less what was charged since, of all processes.

        To be called after a flush. What an hour that does not count any more has leased is taken for charged.
        """
        first, oldest = _hour(reading.requested_at) - HOUR, _hour(now) - HOUR
        with self._memory:
            if not all(self._is_known(start) for start in range(first, oldest, HOUR)):
                return reading
            leases = [lease for start, lease in self._leases.items() if start >= first]
            charged = {lease.start: lease.recorded for lease in leases if lease.start >= oldest}
            spent = sum(lease.leased for lease in leases if lease.start < oldest) + sum(charged.values())
        before = sum(amount for start, amount in reading.charged.items() if start >= first)
        return BalanceReading(reading.balance - spent + before, now, charged)

    def _is_known(self, start: int) -> bool:
        """Return whether the figures of an hour were read since no process leases in it any more."""
        lease = self._leases.get(start)
        return lease is not None and lease.was_read_since(lease.end + LATE_SECONDS)

    def all(self) -> Iterable[AccountLease]:
        """Return all leases in memory. The ledger calls this under its lock."""
        return self._leases.values()

    def remembered(self, now: float) -> list[AccountLease]:
        """Return the leases whose figures a flush reads. The ledger calls this under its lock."""
        return [lease for lease in self._leases.values() if lease.start >= _hour(now) - REMEMBERED_HOURS * HOUR]

    def begin_flush(self, now: float) -> dict[AccountLease, int]:
        """Return all leases with what was charged, which the flush records. The ledger calls this under its lock."""
        self._around(now, now)
        charged = {lease: lease.charged for lease in self._leases.values()}
        for lease in charged:
            lease.charged = 0
        return charged

    def forget_ended(self, now: float) -> None:
        """Forget what no reading needs. The ledger calls this under its lock."""
        remembered = self.remembered(now)
        for lease in [one for one in self._leases.values() if one not in remembered]:
            if not (lease.idle or lease.reserved or lease.charged):
                del self._leases[lease.start]
                self._claimed = None

    def _counted(self, since: float, now: float) -> tuple[AccountLease, tuple[AccountLease, ...]]:
        """Return the lease of the present hour, and those of the other hours that count."""
        hours = _hour(since), _hour(now)
        if self._claimed is None or hours != self._hours:
            lease = self._at(hours[1])
            self._claimed = lease, tuple(one for one in self._around(since, now) if one is not lease)
            self._hours = hours
        return self._claimed

    def _around(self, since: float, now: float) -> list[AccountLease]:
        """Return the leases of the hours that count."""
        first, last = sorted((_hour(since), _hour(now)))
        return [self._at(start) for start in range(first - HOUR, last + 2 * HOUR, HOUR)]

    def _at(self, start: int) -> AccountLease:
        lease = self._leases.get(start)
        if lease is None:
            lease = self._leases[start] = AccountLease(ACCOUNT, Window.HOUR, start, start + HOUR)
        return lease


def _hour(time: float) -> int:
    """Return the start of an hour, in Unix seconds."""
    return int(time // HOUR) * HOUR

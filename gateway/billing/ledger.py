"""The ledger: spending is recorded on disk before it happens, without a write per call.

**Leases.** Per client and window this process leases a block of the allowance by one commit and spends it in memory.
The disk holds what all processes together have leased, never more than the limit, so processes that share the file keep
one limit; what one process holds idle no other can spend. A block is a twentieth of the limit, 64 at most and 1 at
least, and shrinks to what is left, so that one process can spend its limit to the last request. An operation that buys
more than a block at once leases all of it by one commit.

**Threads.** The file is written by one thread of the ledger's own, and only that thread waits: for the disk, and for
other processes' locks. All requests made before it begins go into one transaction, so that ten purchases wait for a
lock no longer than one. What is leased already is reserved on the event loop, without the thread: no other task runs
between the check and the reservation. The loop reads the file (4 us) and never waits for a lock. An amount moved by a
transaction in progress counts as leased before the transaction, and as spent by no other process: no figure depends on
the progress of the thread.

**A file that cannot be written** stops all purchases, even of what is leased, until a transaction succeeds: the flush
of each second tries. The same holds while the path does not lead to the file that was opened, because data written to a
deleted file is lost with the process; and, until the next start, once less is leased on disk than this process has
leased there: then the file was overwritten with other content.

**A remote store** is read by the thread alone: a flush reads all figures, and a purchase that an older figure refuses
reads them again. While it is away what is leased is spent, and nothing else is bought.

**After a crash.** Reservations are leased, so after `kill -9` no client regains any allowance, except the amounts that
the calls of the last moment were charged beyond their price. The loss is what was leased and idle: at most one block
per window, because a settlement hands back at once whatever it leaves beyond one block. A clean close hands back all
that is idle, and a process that has not bought for a while hands it back as well. The spending that the report itemises
is in memory until `flush`, and a crash loses it. The account is leased by each purchase, too: `account_leases.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from gateway.billing.account_leases import AccountLeases
from gateway.billing.leases import Claim, Lease, LeaseNeeded, Request, Round, add_items, block_of
from gateway.billing.ledger_store import LedgerSetBack, LedgerStore, LedgerUncertain, Row, unavailable
from gateway.clock import Clock
from gateway.domain.window import Window, day_of
from gateway.errors import LedgerUnavailable

# Seconds for which an ended window is kept: a purchase may have claimed it at its very end, and still wait for a lease.
LINGERING_SECONDS = 60
# Seconds for which a figure of a remote store is believed when it refuses a purchase: a flush reads it each second.
FRESH_SECONDS = 2.0


class Ledger:
    """One process's ledger in a store. It must be closed, and closes the store."""

    def __init__(self, store: LedgerStore, *, clock: Clock) -> None:
        self._clock = clock
        self._store = store
        self.is_remote = store.is_remote
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        # Guards all attributes below. It is never held while waiting for the disk or a lock of the file.
        self._memory = threading.Lock()
        self._leases: dict[tuple[str, str, int], Lease] = {}
        self.account = AccountLeases(self._memory)
        self._items: dict[tuple[date, str, str], tuple[int, int]] = {}
        self._requests: list[Request] = []
        self._unbalanced: set[Lease] = set()
        self._in_transaction: frozenset[Lease] = frozenset()
        self._uncertain: Round | None = None
        self._is_scheduled = False
        self._is_writable = True
        self._is_set_back = False
        self._is_closed = False

    @property
    def is_lost(self) -> bool:
        """True if the store or its content was deleted or replaced since it was opened."""
        return self._is_set_back or self._store.is_lost

    def claim(self, client: str, window: Window, limit: int, now: float) -> Claim:
        """Return a claim on the window that holds `now`, to be used at once. Raise LedgerUnavailable.

        This reads the disk (4 us).
        """
        start, end = window.bounds(now)
        key = client, window.value, start
        with self._memory:
            lease = self._leases.get(key)
            if lease is None:
                lease = self._leases[key] = Lease(client, window, start, end)
            lease.block, lease.limit = block_of(limit), limit
            if lease not in self._in_transaction:
                self._read(lease)
            return Claim(lease, limit, lease.spent)

    def _read(self, lease: Lease) -> None:
        """Read the leased amount again, where that does not wait. Raise LedgerUnavailable."""
        leased = self._store.leased(lease.key)
        try:
            if leased is not None:
                lease.leased = lease.checked(leased)
        except LedgerSetBack:
            self._is_set_back = True
            raise

    def take(self, price: int, windows: Sequence[Claim], account: Claim) -> list[Claim]:
        """Reserve `price` in all windows and of the account, or nothing: then return the claims with too little left.

        Raise LeaseNeeded when more must be leased first, and LedgerUnavailable while the file cannot be written.
        """
        self._check(windows)
        now = self._clock.now()
        claims = *windows, account
        blocked = [claim for claim in claims if claim.remaining < price]
        if blocked and not self._is_outdated(blocked):
            return blocked
        with self._memory:
            if blocked or not all(claim.covers(price) for claim in claims):
                if not self._is_writable:
                    raise unavailable()
                raise LeaseNeeded
            for claim in claims:
                claim.lease.idle -= price
                claim.lease.reserved += price
                claim.lease.used_at = now
        return []

    def _check(self, claims: Sequence[Claim]) -> None:
        """Raise LedgerUnavailable if nothing may be taken.

        A remote store that is away knows what is leased, and cannot be told what is spent without any claim.
        """
        if self._is_set_back or not self._store.is_in_place():
            raise unavailable()
        if not self._is_writable and not (self._store.is_remote and claims):
            raise unavailable()

    def _is_outdated(self, claims: Sequence[Claim]) -> bool:
        since = self._clock.now() - FRESH_SECONDS
        polled = [claim.lease for claim in claims if self._store.is_remote or claim.lease.is_followed]
        return not all(lease.was_read_since(since) for lease in polled)

    async def learn(self, claims: Sequence[Claim]) -> None:
        """Read from a remote store what this process has not read yet. Raise LedgerUnavailable."""
        unknown = [claim for claim in claims if claim.lease.read_at is None]
        if unknown:
            await self._ask(Request(claims=unknown))

    async def lease(self, price: int, wanted: int, claims: Sequence[Claim]) -> None:
        """Lease `wanted` in all windows, or what is left of the limit; nothing where less than `price` is left.

        Another operation may take it first. Without a price it is no use. Raise LedgerUnavailable.
        """
        for claim in claims if price else ():
            claim.lease.used_at = self._clock.now()
        await self._ask(Request(price, wanted, claims))

    def settle(self, leases: Sequence[Lease], price: int, charged: int) -> None:
        """End a reservation of `price`. Never fail: an overrun that cannot be leased now is leased with the next."""
        with self._memory:
            for lease in leases:
                lease.settle(price, charged)
            self._unbalanced.update(lease for lease in leases if not lease.is_even)
            if self._unbalanced and not (self._is_scheduled or self._is_closed):
                self._is_scheduled = True
                self._thread.submit(self._run_round)

    def itemise(self, made_at: float, client: str, endpoint: str, charged: int) -> None:
        """Count one billed call for the report, in the day it was reserved in."""
        with self._memory:
            add_items(self._items, {(day_of(made_at), client, endpoint): (1, charged)})

    async def flush(self) -> None:
        """Write the itemised spending, and hand back what ended windows left idle.

        A flush commits even without any spending, to detect at once that the file cannot be written any more. Raise
        LedgerUnavailable; then, and when the flush is cancelled, nothing is lost and the next flush writes it.
        """
        await self._ask(Request(flush_at=self._clock.now()))
        if self._is_set_back:
            raise unavailable()

    def close(self) -> None:
        """Hand back all that is idle, write the itemised spending, and close the file. Raise LedgerUnavailable."""
        with self._closing():
            self._thread.submit(self._run_round).result()

    async def aclose(self) -> None:
        """Close the ledger as `close` does, without blocking the event loop."""
        with self._closing():
            await asyncio.get_running_loop().run_in_executor(self._thread, self._run_round)

    def report(self, since: date, until: date, client: str | None = None) -> list[Row]:
        """Return the rows on disk of the days from `since` to `until`, both included, by day, client and endpoint."""
        return self._store.report(since, until, client)

    def made(self) -> float | None:
        """Return when the file was made, in Unix seconds, if it is known. Raise LedgerUnavailable."""
        with self._memory:
            return self._store.made()

    async def read(self, since: date, until: date, client: str | None = None) -> list[Row]:
        """Return the rows of `report`, those of this process up to now, without holding up the event loop.

        Raise LedgerUnavailable.
        """
        if self._items or not self._store.is_in_place():
            await self.flush()
        return await asyncio.to_thread(self._store.report, since, until, client)

    @contextlib.contextmanager
    def _closing(self) -> Iterator[None]:
        last = Request(flush_at=self._clock.now())
        with self._memory:
            if self._is_closed:
                raise unavailable()
            self._is_closed = True
            self._requests = [last]
            self._unbalanced.update(self._every())
        try:
            yield
        finally:
            self._thread.shutdown()
            self._store.close()
        if last.problem is not None:
            raise last.problem

    async def _ask(self, request: Request) -> None:
        """Pass a request to the thread and wait for it. Raise LedgerUnavailable."""
        request.at = self._clock.now()
        with self._memory:
            if self._is_closed:
                raise unavailable()
            self._requests.append(request)
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._run_round)
        finally:
            with self._memory, contextlib.suppress(ValueError):
                self._requests.remove(request)  # a cancelled request is dropped
        if request.problem is not None:
            raise request.problem

    def _run_round(self) -> None:
        """Run one round, in the thread. There may be nothing left to do."""
        if not self._is_certain():
            return
        with self._memory:
            work = self._begin()
        if not work:
            return
        try:
            work.write(self._store)
        except LedgerUncertain as problem:
            with self._memory:
                self._uncertain = work
                work.refuse(problem)
                self._end(work, is_writable=False)
        except LedgerUnavailable as problem:
            with self._memory:
                self._is_set_back |= isinstance(problem, LedgerSetBack)
                self._undo(work, problem)
                self._end(work, is_writable=False)
        else:
            with self._memory:
                work.note()
                self._end(work, is_writable=True)

    def _is_certain(self) -> bool:
        """Return whether the outcome of all rounds is known. Until then the amounts of an uncertain one are nobody's.

        Its leases were perhaps not made, and what it handed back is perhaps leased by others.
        """
        work = self._uncertain
        if work is None:
            return True
        try:
            is_committed = self._store.is_committed()
        except LedgerUnavailable as problem:
            with self._memory:
                self._is_set_back |= isinstance(problem, LedgerSetBack)
                requests, self._requests = self._requests, []
                self._is_scheduled = False
                for request in requests:
                    request.problem = problem
            return False
        with self._memory:
            self._uncertain = None
            if is_committed:
                work.note()
            else:
                self._undo(work, unavailable())
        return True

    def _undo(self, work: Round, problem: LedgerUnavailable) -> None:
        work.undo(problem)
        self._unbalanced.update(work.evened)
        add_items(self._items, work.items)

    def _begin(self) -> Round:
        """Take over all pending requests, and deduct from the leases what will be handed back."""
        requests, self._requests = self._requests, []
        flushed_at = max((each.flush_at for each in requests if each.flush_at is not None), default=None)
        items, self._items = ({}, self._items) if flushed_at is None else (self._items, {})
        charged = {} if flushed_at is None else self.account.begin_flush(flushed_at)
        self._is_scheduled = False
        claims = [claim for request in requests for claim in request.claims]
        wanted, beside = {claim.lease for claim in claims}, {lease for claim in claims for lease in claim.beside}
        now = max((each.flush_at or each.at for each in requests), default=0.0)
        evened = self._evened(wanted, beside, now, is_flush=flushed_at is not None)
        self._in_transaction = frozenset(wanted | beside | set(evened))
        for lease in self._in_transaction:
            # The figures of windows that have ended, often many at once, are not read any more.
            if flushed_at is None or lease.end > flushed_at:
                with contextlib.suppress(LedgerUnavailable):
                    self._read(lease)
        for lease, amount in evened.items():
            if amount < 0:
                lease.idle += amount
                lease.returned -= amount
        idle = {lease: lease.idle + max(0, evened.get(lease, 0)) for lease in self._in_transaction}
        return Round(requests, evened, idle, items, flushed_at, self._looked_up(flushed_at), charged)

    def _evened(self, wanted: set[Lease], beside: set[Lease], now: float, *, is_flush: bool) -> dict[Lease, int]:
        """Return the amounts that leases lack, or, negative, hand back. `wanted` are those of claims."""
        examined, self._unbalanced = set(self._every()) if is_flush else self._unbalanced | beside, set()
        examined -= {lease for lease in wanted if lease.idle > 0}
        imbalances = {lease: lease.imbalance(now, is_closed=self._is_closed) for lease in examined}
        return {lease: amount for lease, amount in imbalances.items() if amount}

    def _looked_up(self, flushed_at: float | None) -> dict[Lease, int]:
        """Return the leases whose figures a flush reads: nothing else reads them."""
        if flushed_at is None:
            return {}
        present = self._leases.values() if self._store.is_remote else ()
        followed = (*(lease for lease in present if lease.end > flushed_at), *self.account.remembered(flushed_at))
        return {lease: 0 for lease in followed if lease not in self._in_transaction}

    def _every(self) -> Iterator[Lease]:
        yield from self._leases.values()
        yield from self.account.all()

    def _end(self, work: Round, *, is_writable: bool) -> None:
        self._in_transaction = frozenset()
        self._is_writable = is_writable
        if is_writable and work.flushed_at is not None:
            self.account.forget_ended(work.flushed_at)
            before = work.flushed_at - LINGERING_SECONDS
            for lease in [one for one in self._leases.values() if one.end <= before]:
                if not (lease.reserved or lease.idle):
                    del self._leases[lease.key]

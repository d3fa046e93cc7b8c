"""What the tests of spending share: purses of a client on a ledger."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.billing.budget import Allowance, OperationBudget, Reservation
from gateway.billing.leases import ACCOUNT, CHARGED, LeaseNeeded
from gateway.billing.ledger import Ledger
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.clock import Clock
from gateway.domain.window import Window

# 2026-03-31T23:59:30Z: half a minute before minute, hour, day and month end together.
BEFORE_MONTH_END = 1_775_001_570.0
ENDPOINT = "/v1/user/by/id"
T = TypeVar("T")


def budget(
    ledger: Ledger,
    clock: Clock,
    limits: Mapping[Window, int],
    *,
    client: str = "web",
    ceiling: int | None = None,
    account: AccountGuard | None = None,
) -> OperationBudget:
    allowance = Allowance(client, limits, ledger=ledger, clock=clock)
    return OperationBudget(ceiling=ceiling, allowance=allowance, account=account or AccountGuard(floor=0))


def opened(path: Path, clock: Clock) -> Ledger:
    """On a SQLite file."""
    return Ledger(SqliteLedger(path), clock=clock)


async def reserved(budget: OperationBudget, price: int) -> Reservation:
    """As an operation does it."""
    while True:
        try:
            return budget.reserve(price)
        except LeaseNeeded:
            await budget.lease(price, price)


def reserve(budget: OperationBudget, price: int) -> Reservation:
    """The same for tests without an event loop."""
    try:
        return budget.reserve(price)
    except LeaseNeeded:
        return wait(reserved(budget, price))


def spend(budget: OperationBudget, price: int, charged: int | None = None) -> None:
    reserve(budget, price).settle(price if charged is None else charged, endpoint=ENDPOINT)


def written(ledger: Ledger) -> None:
    """Returns when the ledger's thread has done what it was asked for until now."""
    wait(ledger.lease(0, 0, ()))


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Also where an event loop runs, which then stands still."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def read_balance(account: AccountGuard, ledger: Ledger, clock: Clock, balance: int) -> None:
    """As the gateway does it, if nothing is charged meanwhile."""
    wait(ledger.flush())
    account.note_balance(BalanceReading(balance, clock.now(), ledger.account.charged(clock.now())))


def leased(path: Path) -> dict[str, int]:
    """Of the clients, by window, summed up, as any other program reads it."""
    query = "SELECT window, sum(leased) FROM leases WHERE client NOT IN (?, ?) GROUP BY window"
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute(query, (ACCOUNT, CHARGED)))

"""The ledger's file while others hold its lock, or after it was deleted: who waits, and what is bought."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest

from gateway.billing.ledger import Ledger
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, LedgerUnavailable
from tests.billing.budgets import ENDPOINT, budget, leased, opened, reserved, spend, written
from tests.fakes.clock import ManualClock

MARCH_31 = date(2026, 3, 31)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_event_loop_goes_on_while_a_purchase_waits_for_the_lock(
    ledger: Ledger, path: Path, clock: ManualClock
) -> None:
    with locked(path):
        buying = asyncio.create_task(reserved(budget(ledger, clock, {Window.DAY: 1000}), 1))
        await turns(100)
        assert not buying.done()
    (await buying).settle(1, endpoint=ENDPOINT)


async def test_what_waits_for_the_lock_is_leased_by_one_commit(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    """Else the tenth purchase would wait ten times as long."""
    log, page = path.with_name("ledger.db-wal"), 4096
    before = log.stat().st_size
    with locked(path):
        clients = [budget(ledger, clock, {Window.DAY: 1000}, client=f"client{number}") for number in range(40)]
        buying = [asyncio.create_task(reserved(one, 1)) for one in clients]
        await turns(100)
    await asyncio.gather(*buying)
    assert leased(path) == {"day": 40 * 50}
    assert log.stat().st_size - before < 10 * page


async def test_what_is_leased_is_taken_and_settled_while_another_holds_the_lock(
    ledger: Ledger, path: Path, clock: ManualClock
) -> None:
    one = budget(ledger, clock, {Window.DAY: 1000})
    large = await reserved(one, 300)
    spend(one, 1)
    with locked(path):
        one.reserve(2).settle(2, endpoint=ENDPOINT)
        large.settle(0, endpoint=ENDPOINT)
        one.reserve(3).settle(10, endpoint=ENDPOINT)
        assert one.allowance.spent == 13
        one.admit(987)
    written(ledger)
    assert one.allowance.spent == 13 <= leased(path)["day"] <= 13 + 50


async def test_nobody_is_refused_what_is_on_its_way_back(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    one = budget(ledger, clock, {Window.DAY: 100})
    held = await reserved(one, 100)
    with locked(path):
        held.settle(0, endpoint=ENDPOINT)
        await asyncio.to_thread(ledger.report, MARCH_31, MARCH_31)  # the ledger's thread may take its turn meanwhile
        assert one.allowance.remaining() == 100
        one.admit(90)
        buying = asyncio.create_task(reserved(one, 90))
        await turns(100)
    await buying
    assert one.allowance.remaining() == 10


async def test_a_purchase_that_is_cancelled_while_it_waits_leaves_no_more_than_a_block(
    ledger: Ledger, path: Path, clock: ManualClock
) -> None:
    one = budget(ledger, clock, {Window.DAY: 1000})
    with locked(path):
        buying = [asyncio.create_task(reserved(one, 300)) for _ in range(3)]
        await turns(100)
        for task in buying:
            task.cancel()
        await asyncio.wait(buying)
    await ledger.flush()
    assert one.allowance.spent == 0
    await ledger.flush()
    assert leased(path)["day"] <= 50
    (await reserved(one, 1000)).settle(1000, endpoint=ENDPOINT)


async def test_two_processes_at_once_spend_the_limit_and_no_more(path: Path, clock: ManualClock) -> None:
    """Some go away while they wait, some pay less than they reserved."""
    draw = random.Random(4)
    charged = 0

    async def operation(ledger: Ledger, price: int) -> None:
        nonlocal charged
        with suppress(AllowanceExceeded):
            reservation = await reserved(budget(ledger, clock, {Window.DAY: 300, Window.MONTH: 350}), price)
            charge = price
            try:
                await turns(draw.randrange(5))
                charge = draw.randrange(price + 1)
            finally:
                charged += charge
                reservation.settle(charge, endpoint=ENDPOINT)

    with (
        closing(opened(path, clock)) as one,
        closing(opened(path, clock)) as other,
    ):
        tasks = []
        for _ in range(200):
            tasks.append(asyncio.create_task(operation(draw.choice((one, other)), draw.randrange(1, 9))))
            await turns(draw.randrange(3))
            draw.choice(tasks[-5:]).cancel()
        await asyncio.wait(tasks)
        assert charged <= 300
    assert leased(path) == {"day": charged, "month": charged}
    with closing(opened(path, clock)) as last:
        rest = budget(last, clock, {Window.DAY: 300})
        if charged < 300:
            (await reserved(rest, 300 - charged)).settle(300 - charged, endpoint=ENDPOINT)
        with pytest.raises(AllowanceExceeded):
            await reserved(rest, 1)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
async def test_a_file_that_was_deleted_is_not_spent_into(path: Path, clock: ManualClock, suffix: str) -> None:
    """Nor when one of those is gone that SQLite keeps beside it."""
    ledger = opened(path, clock)
    one, unlimited = budget(ledger, clock, {Window.DAY: 1000}), budget(ledger, clock, {})
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    gone, away = path.with_name(f"{path.name}{suffix}"), path.with_name("away")
    gone.rename(away)
    with pytest.raises(LedgerUnavailable):
        await ledger.flush()
    assert ledger.is_lost
    for each in (one, unlimited):
        with pytest.raises(LedgerUnavailable):
            each.reserve(1)
    away.rename(gone)
    await ledger.flush()
    assert not ledger.is_lost
    for each in (one, unlimited):
        each.reserve(1)
    ledger.close()


async def test_a_file_that_was_replaced_is_noticed_by_the_next_purchase(path: Path, clock: ManualClock) -> None:
    ledger = opened(path, clock)
    one = budget(ledger, clock, {Window.DAY: 1000})
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)
    with pytest.raises(LedgerUnavailable):
        one.reserve(1)
    with pytest.raises(LedgerUnavailable):
        ledger.close()


async def test_a_file_in_the_mode_of_a_rollback_journal_is_spent_into(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `backup` leaves its copies: the first start changes the mode, and a lock that comes and goes does no harm."""
    opened(path, clock).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    monkeypatch.setattr("gateway.billing.ledger_file.BUSY_SECONDS", 0.01)
    ledger = opened(path, clock)
    await ledger.flush()
    one = budget(ledger, clock, {Window.DAY: 1000})
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    with locked(path):
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                await ledger.flush()
        with pytest.raises(LedgerUnavailable):
            one.reserve(1)
    await ledger.flush()
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    assert not ledger.is_lost
    ledger.close()
    assert leased(path) == {"day": 2}


async def test_the_files_are_their_owners_alone(path: Path, ledger: Ledger, clock: ManualClock) -> None:
    await reserved(budget(ledger, clock, {Window.DAY: 1000}), 1)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["ledger.db", "ledger.db-wal", "ledger.db-shm"], 0o600)


@pytest.mark.parametrize("settled", [True, False])
async def test_a_content_that_was_copied_over_the_file_is_noticed_before_anything_more_is_sold(
    path: Path, clock: ManualClock, tmp_path: Path, settled: bool
) -> None:
    """As backups are put back: the path leads to the same file, which knows of nothing that was spent since."""
    opened(empty := tmp_path / "empty.db", clock).close()
    ledger = opened(path, clock)
    one = budget(ledger, clock, {Window.DAY: 6})
    bought = await reserved(one, 6)
    if settled:
        bought.settle(6, endpoint=ENDPOINT)
        await ledger.flush()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(empty, path)
    with pytest.raises(LedgerUnavailable):
        await reserved(budget(ledger, clock, {Window.DAY: 6}), 1)
    assert ledger.is_lost
    with pytest.raises(LedgerUnavailable):
        await reserved(budget(ledger, clock, {Window.DAY: 6}, client="another"), 1)
    with pytest.raises(LedgerUnavailable):
        await ledger.flush()
    with suppress(LedgerUnavailable):
        ledger.close()

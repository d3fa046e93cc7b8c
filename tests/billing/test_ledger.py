"""The ledger's file: what it holds, what it costs, what becomes of it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.leases import block_of
from gateway.billing.ledger import Ledger
from gateway.billing.ledger_store import UNITEMISED, LedgerUnusable, Row
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, LedgerUnavailable
from gateway.migrations import StoreTooNew
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, leased, opened, reserve, spend, written
from tests.fakes.clock import ManualClock
from tests.profiles import examples

MARCH_31 = date(2026, 3, 31)
APRIL_1 = date(2026, 4, 1)
OTHER_ENDPOINT = "/v1/user/highlights"


@pytest.mark.parametrize(("limit", "block"), [(0, 1), (1, 1), (39, 1), (40, 2), (1000, 50), (1280, 64), (10**9, 64)])
def test_a_block_is_a_twentieth_of_the_limit_within_bounds(limit: int, block: int) -> None:
    assert block_of(limit) == block


def test_a_block_is_leased_by_one_commit_and_spent_in_memory(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    limits = {Window.HOUR: 1000, Window.DAY: 10_000}
    seen = []
    for _ in range(64):
        spend(budget(ledger, clock, limits), 1)
        seen.append(tuple(leased(path).values()))
    assert seen == [(64, 50)] * 50 + [(64, 100)] * 14


@examples(40)
@given(limit=st.integers(0, 200), prices=st.lists(st.integers(1, 9), max_size=40))
def test_one_process_spends_its_limit_to_the_last_request(
    tmp_path_factory: pytest.TempPathFactory, limit: int, prices: list[int]
) -> None:
    clock = ManualClock(BEFORE_MONTH_END)
    with closing(opened(tmp_path_factory.mktemp("ledger") / "ledger.db", clock)) as ledger:
        one = budget(ledger, clock, {Window.DAY: limit})
        for price in prices:
            fits = price <= limit - one.charged
            try:
                spend(one, price)
            except AllowanceExceeded:
                assert not fits
            else:
                assert fits
        rest = limit - one.charged
        for _ in range(rest):
            spend(one, 1)
        with pytest.raises(AllowanceExceeded):
            reserve(one, 1)


def test_a_clean_close_hands_back_what_is_idle(path: Path, clock: ManualClock) -> None:
    with closing(opened(path, clock)) as ledger:
        spend(budget(ledger, clock, {Window.DAY: 1000}), 3)
        assert leased(path) == {"day": 50}
    assert leased(path) == {"day": 3}


def test_a_close_in_the_middle_of_a_call_keeps_what_it_reserved(path: Path, clock: ManualClock) -> None:
    """Its call may have been charged: nobody will tell."""
    ledger = opened(path, clock)
    one = budget(ledger, clock, {Window.DAY: 1000})
    spend(one, 3)
    late = reserve(one, 4)
    ledger.close()
    late.settle(0, endpoint=ENDPOINT)
    assert leased(path) == {"day": 7}


def test_what_failed_calls_gave_back_never_makes_more_than_a_block_idle(
    ledger: Ledger, path: Path, clock: ManualClock
) -> None:
    """So that a crash after a storm of failures loses no more than a block."""
    one = budget(ledger, clock, {Window.DAY: 1000})
    for reservation in [reserve(one, 7) for _ in range(100)]:
        reservation.settle(0, endpoint=ENDPOINT)
        written(ledger)
        assert leased(path)["day"] - (one.allowance.spent or 0) <= 50
    assert leased(path) == {"day": 50}


async def test_the_idle_rest_of_an_ended_window_is_handed_back(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    """Else a past day's report would name requests that nobody made."""
    one = budget(ledger, clock, {Window.DAY: 1000})
    spend(one, 3)
    late = reserve(one, 7)
    clock.advance(30)
    await ledger.flush()
    assert leased(path) == {"day": 10}
    late.settle(1, endpoint=ENDPOINT)
    await ledger.flush()
    assert leased(path) == {"day": 4}


def test_processes_on_one_file_keep_one_limit(path: Path, clock: ManualClock) -> None:
    with (
        closing(opened(path, clock)) as one,
        closing(opened(path, clock)) as other,
    ):
        purses = [budget(ledger, clock, {Window.DAY: 1000}) for ledger in (one, other)]
        for turn in range(2000):
            with pytest.raises(AllowanceExceeded) if turn >= 1000 else nullcontext():
                spend(purses[turn % 2], 1)
        assert [each.charged for each in purses] == [500, 500]


def test_what_another_process_handed_back_can_be_spent_at_once(path: Path, clock: ManualClock) -> None:
    with closing(opened(path, clock)) as ledger:
        one = budget(ledger, clock, {Window.DAY: 20})
        with closing(opened(path, clock)) as other:
            held = reserve(budget(other, clock, {Window.DAY: 20}), 20)
            with pytest.raises(AllowanceExceeded):
                one.admit(1)
            held.settle(15, endpoint=ENDPOINT)
        spend(one, 5)
        assert one.allowance.remaining() == 0


async def test_the_report_itemises_by_day_client_and_endpoint(ledger: Ledger, clock: ManualClock) -> None:
    web, router = (budget(ledger, clock, {}, client=client) for client in ("web", "router"))
    spend(web, 1)
    spend(web, 1)
    await ledger.flush()
    spend(web, 1, charged=2)
    reserve(web, 2).settle(2, endpoint=OTHER_ENDPOINT)
    spend(router, 1)
    spend(router, 1, charged=0)
    late = reserve(router, 3)
    clock.advance(60)
    late.settle(3, endpoint=OTHER_ENDPOINT)
    spend(router, 1)
    await ledger.flush()
    await ledger.flush()
    march = [
        Row(MARCH_31, "router", ENDPOINT, 1, 1),
        Row(MARCH_31, "router", OTHER_ENDPOINT, 1, 3),
        Row(MARCH_31, "web", ENDPOINT, 3, 4),
        Row(MARCH_31, "web", OTHER_ENDPOINT, 1, 2),
    ]
    april = [Row(APRIL_1, "router", ENDPOINT, 1, 1)]
    assert ledger.report(MARCH_31, APRIL_1) == march + april
    assert ledger.report(MARCH_31, MARCH_31) == march
    assert ledger.report(APRIL_1, date(2026, 12, 31)) == april
    assert ledger.report(MARCH_31, APRIL_1, client="router") == march[:2] + april


async def test_a_day_with_an_allowance_is_never_reported_lower_than_it_was_spent(
    ledger: Ledger, clock: ManualClock
) -> None:
    one = budget(ledger, clock, {Window.DAY: 1000, Window.MONTH: 5000})
    spend(one, 3)
    await ledger.flush()
    spend(one, 2)
    other = budget(ledger, clock, {Window.MONTH: 1000}, client="router")
    spend(other, 2)
    spend(budget(ledger, clock, {Window.DAY: 20}, client="job"), 2)
    job, web = Row(MARCH_31, "job", UNITEMISED, 0, 2), Row(MARCH_31, "web", UNITEMISED, 0, 47)
    assert ledger.report(MARCH_31, MARCH_31) == [job, web, Row(MARCH_31, "web", ENDPOINT, 1, 3)]
    assert ledger.report(MARCH_31, MARCH_31, client="job") == [job]
    assert ledger.report(MARCH_31, MARCH_31, client="router") == []


async def test_a_clean_close_leaves_nothing_unitemised(path: Path, clock: ManualClock) -> None:
    with closing(opened(path, clock)) as ledger:
        spend(budget(ledger, clock, {Window.DAY: 1000}), 3)
    with closing(opened(path, clock)) as ledger:
        assert ledger.report(MARCH_31, MARCH_31) == [Row(MARCH_31, "web", ENDPOINT, 1, 3)]


async def test_a_cancelled_flush_writes_once(ledger: Ledger, clock: ManualClock) -> None:
    for price in range(1, 30):
        spend(budget(ledger, clock, {}), price)
        flush = asyncio.create_task(ledger.flush())
        for _ in range(price % 3):
            await asyncio.sleep(0)
        flush.cancel()
        await asyncio.wait([flush])
    await ledger.flush()
    assert ledger.report(MARCH_31, MARCH_31) == [Row(MARCH_31, "web", ENDPOINT, 29, sum(range(1, 30)))]


async def test_two_flushes_at_once_write_once(ledger: Ledger, clock: ManualClock) -> None:
    spend(budget(ledger, clock, {}), 3)
    first = asyncio.create_task(ledger.flush())
    await asyncio.sleep(0)
    spend(budget(ledger, clock, {}), 4)
    await asyncio.gather(first, ledger.flush(), ledger.flush())
    assert ledger.report(MARCH_31, MARCH_31) == [Row(MARCH_31, "web", ENDPOINT, 2, 7)]


async def test_without_its_file_the_ledger_lets_nothing_be_bought(path: Path, clock: ManualClock) -> None:
    ledger = opened(path, clock)
    one = budget(ledger, clock, {Window.DAY: 1000})
    running = reserve(one, 3)
    with closing(sqlite3.connect(path)) as saboteur:
        saboteur.execute("ALTER TABLE leases RENAME TO elsewhere")
        saboteur.execute("ALTER TABLE spending RENAME TO elsewhere_too")
        running.settle(1060, endpoint=ENDPOINT)
        with pytest.raises(LedgerUnavailable):
            await ledger.flush()  # after what the settlement has the thread write
        for attempt in (partial(reserve, one), one.admit):
            with pytest.raises(LedgerUnavailable):
                attempt(1)
        with pytest.raises(LedgerUnavailable):
            ledger.report(MARCH_31, MARCH_31)
        saboteur.execute("ALTER TABLE elsewhere RENAME TO leases")
        saboteur.execute("ALTER TABLE elsewhere_too RENAME TO spending")
    assert one.allowance.spent == 1060
    await ledger.flush()
    spend(one, 0)
    assert leased(path) == {"day": 1060}
    ledger.close()
    with closing(opened(path, clock)) as ledger:
        assert ledger.report(MARCH_31, MARCH_31) == [Row(MARCH_31, "web", ENDPOINT, 1, 1060)]


async def test_minutes_and_hours_long_gone_are_pruned(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    limits = dict.fromkeys(Window, 1000)
    spend(budget(ledger, clock, limits), 1)
    clock.advance(3 * 86_400)
    spend(budget(ledger, clock, limits), 2)
    await ledger.flush()
    assert leased(path)["minute"] == leased(path)["hour"] == 50
    assert leased(path)["day"] == leased(path)["month"] == 51
    clock.advance(3 * 86_400)
    await ledger.flush()
    assert leased(path) == {"day": 3, "month": 3}


def test_a_file_of_a_newer_version_is_refused(path: Path, clock: ManualClock) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreTooNew, match=r"ledger\.db is of version 2\.0, and this gateway .* knows 1\.1: start the"):
        opened(path, clock)


def test_a_file_of_somebody_else_is_refused_and_left_alone(path: Path, clock: ManualClock) -> None:
    path.write_text("dear diary, " * 100)
    with pytest.raises(LedgerUnusable, match="file is not a database"):
        opened(path, clock)
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE leases (tenant)")
    with pytest.raises(LedgerUnusable, match="table leases already exists"):
        opened(path, clock)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("leases",)]


def test_a_missing_directory_is_named(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(LedgerUnusable, match="does its directory exist"):
        opened(tmp_path / "nowhere" / "ledger.db", clock)


def test_processes_that_start_at_once_make_one_file(tmp_path: Path, clock: ManualClock) -> None:
    def start(path: Path) -> None:
        with closing(opened(path, clock)) as ledger:
            spend(budget(ledger, clock, {Window.DAY: 1000}), 1)

    with ThreadPoolExecutor(8) as threads:
        for turn in range(5):
            path = tmp_path / f"{turn}.db"
            list(threads.map(start, [path] * 8))
            assert leased(path) == {"day": 8}


def test_every_commit_is_on_the_disk_before_it_counts(ledger: Ledger, path: Path, clock: ManualClock) -> None:
    """A copy of the files at any moment, which is what a crash leaves, holds all that may have been spent."""
    one = budget(ledger, clock, {Window.DAY: 200})
    reserved = 0
    for price in (1, 9, 2, 30, 4, 1, 1, 50, 3):
        reserve(one, price)
        reserved += price
        copy = path.with_name("copy.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        assert leased(copy)["day"] >= reserved

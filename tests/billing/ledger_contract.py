"""The contract of the ledger's stores: the same rules for each implementation."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import date
from pathlib import Path

import pytest

from gateway.billing.leases import RESTING_SECONDS, SCARCE_SECONDS, block_of
from gateway.billing.ledger import Ledger
from gateway.billing.ledger_store import UNITEMISED, LedgerStore, Row
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, LedgerUnavailable
from gateway.migrations import StoreTooNew
from tests.billing.account_contract import AccountContract
from tests.billing.budgets import ENDPOINT, budget, reserve, reserved, spend, wait, written
from tests.billing.ledger_places import Place
from tests.billing.spender import REFUSED, SPENT
from tests.fakes.clock import ManualClock

ROOT = Path(__file__).parents[2]
MARCH_31, APRIL_1 = date(2026, 3, 31), date(2026, 4, 1)
EVERY = dict.fromkeys(Window, 1000)
LIMIT = 600


class StoreContract(AccountContract):
    """`place` is a fixture of each implementation: a place where no store is yet."""

    def test_a_block_of_each_window_is_leased_and_spent_in_memory(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        for _ in range(50):
            spend(budget(ledger, clock, EVERY), 1)
            assert place.leased() == {window.value: 50 for window in Window}
        spend(budget(ledger, clock, EVERY), 1)
        assert place.leased() == {window.value: 100 for window in Window}

    def test_a_limit_is_spent_to_the_last_request(self, ledger: Ledger, clock: ManualClock) -> None:
        one = budget(ledger, clock, {Window.DAY: 45, Window.MONTH: 100})
        for price in (7, 30, 1, 7):
            spend(one, price)
        assert one.allowance.remaining() == 0
        with pytest.raises(AllowanceExceeded):
            reserve(one, 1)

    def test_the_next_window_begins_with_its_whole_limit(self, ledger: Ledger, clock: ManualClock) -> None:
        for window, seconds in ((Window.MONTH, 30), (Window.MINUTE, 60), (Window.HOUR, 3_600), (Window.DAY, 86_400)):
            one = budget(ledger, clock, {window: 10}, client=window.value)
            spend(one, 10)
            with pytest.raises(AllowanceExceeded):
                reserve(one, 1)
            clock.advance(seconds)
            spend(one, 10)
            with pytest.raises(AllowanceExceeded):
                reserve(one, 1)

    def test_all_windows_are_leased_or_none(self, ledger: Ledger, place: Place, clock: ManualClock) -> None:
        with pytest.raises(AllowanceExceeded):
            reserve(budget(ledger, clock, {Window.DAY: 1000, Window.MONTH: 5}), 6)
        assert sum(place.leased().values()) == 0

    def test_a_close_hands_back_what_is_idle(self, place: Place, clock: ManualClock) -> None:
        with closing(Ledger(place.store(), clock=clock)) as ledger:
            spend(budget(ledger, clock, EVERY), 3)
        assert place.leased() == {window.value: 3 for window in Window}

    async def test_a_process_that_buys_nothing_hands_back_what_is_idle(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        one = budget(ledger, clock, {Window.MONTH: 1000})
        clock.advance(60)
        (await reserved(one, 3)).settle(3, endpoint=ENDPOINT)
        clock.advance(RESTING_SECONDS - 1)
        await ledger.flush()
        assert place.leased() == {"month": 50}
        (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
        clock.advance(RESTING_SECONDS - 1)
        await ledger.flush()
        assert place.leased() == {"month": 50}
        clock.advance(1)
        await ledger.flush()
        assert place.leased() == {"month": 4}

    async def test_it_hands_back_soon_what_others_lack(self, place: Place, clock: ManualClock) -> None:
        """All of the limit is leased: one process is idle, and another has nothing left."""
        limits = {Window.MONTH: 100}
        clock.advance(60)
        with closing(Ledger(place.store(), clock=clock)) as idle, closing(Ledger(place.store(), clock=clock)) as other:
            (await reserved(budget(idle, clock, limits), 1)).settle(1, endpoint=ENDPOINT)
            one = budget(other, clock, limits)
            (await reserved(one, 95)).settle(95, endpoint=ENDPOINT)
            with pytest.raises(AllowanceExceeded):
                await reserved(one, 1)
            await idle.flush()
            clock.advance(SCARCE_SECONDS)
            budget(idle, clock, limits).allowance.figures()
            await idle.flush()
            assert place.leased() == {"month": 96}
            await other.flush()
            (await reserved(one, 4)).settle(4, endpoint=ENDPOINT)
        assert place.leased() == {"month": 100}

    def test_a_settlement_leaves_no_more_than_a_block(self, ledger: Ledger, place: Place, clock: ManualClock) -> None:
        one = budget(ledger, clock, {Window.DAY: 1000})
        reserve(one, 900).settle(2, endpoint=ENDPOINT)
        written(ledger)
        assert place.leased() == {"day": 52}

    def test_an_overrun_is_leased_with_the_settlement(self, ledger: Ledger, place: Place, clock: ManualClock) -> None:
        one = budget(ledger, clock, {Window.DAY: 20})
        reserve(one, 20).settle(29, endpoint=ENDPOINT)
        written(ledger)
        assert place.leased() == {"day": 29}
        assert one.allowance.remaining() == 0

    def test_connections_at_once_never_lease_more_than_the_limit(self, place: Place, clock: ManualClock) -> None:
        """Each spends from a thread of its own, until it is refused."""
        with ExitStack() as opened:
            ledgers = [opened.enter_context(closing(Ledger(place.store(), clock=clock))) for _ in range(4)]

            def exhaust(ledger: Ledger) -> int:
                one = budget(ledger, clock, {Window.HOUR: LIMIT + 50, Window.DAY: LIMIT})
                with suppress(AllowanceExceeded):
                    while True:
                        spend(one, 1)
                return one.charged

            with ThreadPoolExecutor(len(ledgers)) as threads:
                assert sum(threads.map(exhaust, ledgers)) == LIMIT
        assert place.leased() == {"hour": LIMIT, "day": LIMIT}

    def test_what_a_transaction_has_locked_no_other_changes(self, place: Place) -> None:
        """Each reads, and adds what it has seen to be left."""
        key = ("web", "day", 0)

        def lease(store: LedgerStore) -> int:
            taken = 0
            for _ in range(60):
                with store.transaction() as transaction:
                    if transaction.lock([key])[key] < LIMIT // 10:
                        transaction.add({key: 1})
                        taken += 1
            return taken

        with ExitStack() as opened:
            stores = [opened.enter_context(closing(place.store())) for _ in range(4)]
            with ThreadPoolExecutor(len(stores)) as threads:
                assert sum(threads.map(lease, stores)) == LIMIT // 10
        assert place.leased() == {"day": LIMIT // 10}

    def test_clients_in_any_order_of_windows_do_not_lock_each_other_out(self, place: Place, clock: ManualClock) -> None:
        orders = [list(Window), list(reversed(Window))]
        with ExitStack() as opened:
            ledgers = [opened.enter_context(closing(Ledger(place.store(), clock=clock))) for _ in orders]

            def buy(ledger: Ledger, order: list[Window]) -> None:
                for number in range(40):
                    client = f"client{number % 4 if order[0] is Window.MINUTE else 3 - number % 4}"
                    spend(budget(ledger, clock, dict.fromkeys(order, 10_000), client=client), 65)

            with ThreadPoolExecutor(len(ledgers)) as threads:
                list(threads.map(buy, ledgers, orders))
        assert place.leased() == {window.value: 2 * 40 * 65 for window in Window}

    def test_processes_at_once_spend_the_limit_and_no_more(self, place: Place) -> None:
        """And one that is killed gives nothing back: it loses a block at most."""
        place.store().close()
        victim, *others = [spender(place) for _ in range(3)]
        assert victim.stdout is not None
        told = victim.stdout.read(20)
        victim.kill()
        with victim:
            told += victim.stdout.read()
        for each in others:
            with each:
                assert each.stdout is not None
                told += each.stdout.read()
            assert each.returncode == 0
        assert told.count(REFUSED) >= len(others)
        assert LIMIT - 1 - block_of(LIMIT) <= told.count(SPENT) <= LIMIT

    async def test_spending_is_itemised(self, ledger: Ledger, clock: ManualClock) -> None:
        web, router = (budget(ledger, clock, {}, client=client) for client in ("web", "router"))
        for each in (web, web, router):
            (await reserved(each, 1)).settle(2, endpoint=ENDPOINT)
        (await reserved(router, 1)).settle(1, endpoint="other")
        clock.advance(30)
        (await reserved(web, 1)).settle(1, endpoint=ENDPOINT)
        (await reserved(web, 1)).settle(0, endpoint=ENDPOINT)
        march = [
            Row(MARCH_31, "router", ENDPOINT, 1, 2),
            Row(MARCH_31, "router", "other", 1, 1),
            Row(MARCH_31, "web", ENDPOINT, 2, 4),
        ]
        april = [Row(APRIL_1, "web", ENDPOINT, 1, 1)]
        assert await ledger.read(MARCH_31, APRIL_1) == march + april
        assert await ledger.read(MARCH_31, MARCH_31) == march
        assert await ledger.read(APRIL_1, date.max) == april
        assert await ledger.read(date.min, date.max, "router") == march[:2]

    async def test_a_day_is_reported_no_lower_than_it_was_spent(self, ledger: Ledger, clock: ManualClock) -> None:
        one = budget(ledger, clock, {Window.DAY: 1000, Window.MONTH: 5000})
        (await reserved(one, 3)).settle(3, endpoint=ENDPOINT)
        rows = await ledger.read(MARCH_31, MARCH_31)
        assert rows == [Row(MARCH_31, "web", UNITEMISED, 0, 47), Row(MARCH_31, "web", ENDPOINT, 1, 3)]

    async def test_minutes_and_hours_long_gone_are_pruned(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        (await reserved(budget(ledger, clock, EVERY), 3)).settle(3, endpoint=ENDPOINT)
        clock.advance(3 * 86_400)
        await ledger.flush()
        assert place.leased() == {"day": 3, "month": 3}

    async def test_while_the_store_is_away_nothing_is_leased(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        one, unlimited = budget(ledger, clock, {Window.DAY: 1000}), budget(ledger, clock, {})
        (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
        with place.away():
            with pytest.raises(LedgerUnavailable):
                await ledger.flush()
            with pytest.raises(LedgerUnavailable):
                await reserved(one, 51)
            with pytest.raises(LedgerUnavailable):
                unlimited.reserve(1)
            with pytest.raises(LedgerUnavailable):
                await ledger.read(MARCH_31, MARCH_31)
        await ledger.flush()
        (await reserved(one, 51)).settle(51, endpoint=ENDPOINT)
        unlimited.reserve(1).settle(1, endpoint=ENDPOINT)
        rows = await ledger.read(MARCH_31, MARCH_31)
        assert sum(row.billed for row in rows if row.endpoint == ENDPOINT) == 53

    async def test_a_store_that_was_set_back_is_not_spent_from(self, place: Place, clock: ManualClock) -> None:
        """As backups are put back: it knows of nothing that was spent since."""
        ledger = Ledger(place.store(), clock=clock)
        one = budget(ledger, clock, {Window.DAY: 6})
        (await reserved(one, 6)).settle(6, endpoint=ENDPOINT)
        await ledger.flush()
        place.set_back()
        with suppress(LedgerUnavailable):
            await ledger.flush()
        for client in ("web", "another"):
            with pytest.raises(LedgerUnavailable):
                await reserved(budget(ledger, clock, {Window.DAY: 6}, client=client), 1)
        assert ledger.is_lost
        with pytest.raises(LedgerUnavailable):
            await ledger.flush()
        with suppress(LedgerUnavailable):
            await ledger.aclose()

    def test_a_store_of_a_newer_major_version_is_refused(self, place: Place) -> None:
        place.store().close()
        before = place.versions()
        place.set_version(2, 0)
        with pytest.raises(StoreTooNew, match=r"is of version 2\.0, written by 9\.9\.9, and this gateway"):
            place.store()
        assert place.versions() == [*before, (2, 0)]

    def test_a_store_of_a_newer_minor_version_is_used(self, place: Place, clock: ManualClock) -> None:
        place.store().close()
        place.set_version(1, 99)
        with closing(Ledger(place.store(), clock=clock)) as ledger:
            spend(budget(ledger, clock, EVERY), 3)
        assert place.leased()["day"] == 3
        assert place.versions()[-1] == (1, 99)

    def test_a_store_that_became_too_new_is_not_written(self, place: Place, clock: ManualClock) -> None:
        ledger = Ledger(place.store(), clock=clock)
        place.set_version(2, 0)
        with pytest.raises(LedgerUnavailable):
            wait(ledger.flush())
        with pytest.raises(LedgerUnavailable):
            ledger.close()

    def test_stores_that_are_made_at_once_are_one(self, place: Place) -> None:
        def made(_: int) -> float | None:
            with closing(place.store()) as store:
                return store.made()

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(made, range(8)))) == 1


def spender(place: Place) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.billing.spender", place.argument, str(LIMIT)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)

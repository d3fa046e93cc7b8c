"""The contract of the ledger's stores, of the upstream account: the same rules for each implementation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import date

import pytest

from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.billing.leases import ACCOUNT, CHARGED, RESTING_SECONDS, SCARCE_SECONDS
from gateway.billing.ledger import FRESH_SECONDS, Ledger
from gateway.billing.ledger_store import Row
from gateway.errors import InsufficientFunds, LedgerUnavailable
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, reserved, spend, wait
from tests.billing.ledger_places import Place
from tests.fakes.clock import ManualClock

MARCH_31 = date(2026, 3, 31)
LIMIT = 600


class AccountContract:
    """`place` is a fixture of each implementation: a place where no store is yet."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(BEFORE_MONTH_END)

    @pytest.fixture
    def ledger(self, place: Place, clock: ManualClock) -> Iterator[Ledger]:
        with closing(Ledger(place.store(), clock=clock)) as ledger:
            yield ledger

    async def test_the_account_is_leased_and_what_was_charged_is_recorded(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        one = budget(ledger, clock, {}, account=await read(ledger, clock, 1_000))
        bought = await reserved(one, 3)
        assert place.of_the_account() == {ACCOUNT: 50}
        bought.settle(2, endpoint=ENDPOINT)
        await reserved(one, 1)
        await ledger.flush()
        assert place.of_the_account() == {ACCOUNT: 50, CHARGED: 2}
        assert sum(ledger.account.charged(clock.now()).values()) == 2
        clock.advance(RESTING_SECONDS)
        await ledger.flush()
        assert place.of_the_account() == {ACCOUNT: 3, CHARGED: 2}

    async def test_the_account_is_no_client_in_the_report(self, ledger: Ledger, clock: ManualClock) -> None:
        one = budget(ledger, clock, {}, account=await read(ledger, clock, 1_000))
        (await reserved(one, 3)).settle(2, endpoint=ENDPOINT)
        assert await ledger.read(date.min, date.max) == [Row(MARCH_31, "web", ENDPOINT, 1, 2)]

    async def test_an_overrun_of_the_account_is_recorded_with_its_lease(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        one = budget(ledger, clock, {}, account=await read(ledger, clock, 10))
        (await reserved(one, 10)).settle(14, endpoint=ENDPOINT)
        await ledger.flush()
        assert place.of_the_account() == {ACCOUNT: 14, CHARGED: 14}

    async def test_a_reading_before_a_charge_and_one_after_it_allow_the_same(
        self, place: Place, clock: ManualClock
    ) -> None:
        """One process has the account at 100; the other reads 60, and finds 40 recorded."""
        with closing(Ledger(place.store(), clock=clock)) as first, closing(Ledger(place.store(), clock=clock)) as other:
            early = budget(first, clock, {}, account=await read(first, clock, 100))
            (await reserved(early, 40)).settle(40, endpoint=ENDPOINT)
            await first.flush()
            late = budget(other, clock, {}, account=await read(other, clock, 60))
            (await reserved(late, 30)).settle(30, endpoint=ENDPOINT)
            for one in (early, late):
                with pytest.raises(InsufficientFunds):
                    await reserved(one, 31)
            (await reserved(early, 20)).settle(20, endpoint=ENDPOINT)
            clock.advance(SCARCE_SECONDS)
            await first.flush()
            await other.flush()
            (await reserved(late, 10)).settle(10, endpoint=ENDPOINT)
            for one in (early, late):
                clock.advance(FRESH_SECONDS + 1)
                with pytest.raises(InsufficientFunds):
                    await reserved(one, 1)

    async def test_the_account_is_not_spent_twice_in_two_hours(self, place: Place, clock: ManualClock) -> None:
        """One clock is half a minute behind: it has not seen the hour that the other one leases in."""
        behind = ManualClock(BEFORE_MONTH_END)
        with (
            closing(Ledger(place.store(), clock=clock)) as ledger,
            closing(Ledger(place.store(), clock=behind)) as slow,
        ):
            one = budget(ledger, clock, {}, account=await read(ledger, clock, 100))
            other = budget(slow, behind, {}, account=await read(slow, behind, 100))
            await reserved(one, 30)
            clock.advance(30)
            await reserved(one, 30)
            with pytest.raises(InsufficientFunds):
                await reserved(other, 41)
            await reserved(other, 40)
            clock.advance(FRESH_SECONDS + 1)
            with pytest.raises(InsufficientFunds):
                await reserved(one, 1)

    async def test_what_a_dead_process_has_leased_counts_for_two_hours_at_most(
        self, place: Place, clock: ManualClock
    ) -> None:
        dead = Ledger(place.store(), clock=clock)
        await reserved(budget(dead, clock, {}, account=await read(dead, clock, 100)), 60)
        with closing(Ledger(place.store(), clock=clock)) as ledger:
            for seconds in (30, 3_599):
                clock.advance(seconds)
                one = budget(ledger, clock, {}, account=await read(ledger, clock, 100))
                with pytest.raises(InsufficientFunds):
                    await reserved(one, 96)
            clock.advance(1)
            (await reserved(budget(ledger, clock, {}, account=await read(ledger, clock, 100)), 100)).settle(
                100, endpoint=ENDPOINT
            )
        dead.close()

    async def test_a_balance_that_cannot_be_read_is_counted_down_for_days(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        """By what all processes were charged, and what one that died may have been."""
        dead = Ledger(place.store(), clock=clock)
        account = await read(ledger, clock, 100)
        await reserved(budget(dead, clock, {}, account=account), 5)
        one = budget(ledger, clock, {}, account=account)
        (await reserved(one, 30)).settle(30, endpoint=ENDPOINT)
        for _ in range(3 * 24 * 2):
            clock.advance(1_800)
            await ledger.flush()
            account.carry(ledger, clock.now())
        assert account.balance == 65
        with pytest.raises(InsufficientFunds):
            await reserved(one, 66)
        await reserved(one, 65)
        dead.close()

    async def test_what_others_were_charged_while_a_process_slept_counts(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        account = await read(ledger, clock, 100)
        clock.advance(3_630)
        with closing(Ledger(place.store(), clock=clock)) as other:
            (await reserved(budget(other, clock, {}, account=await read(other, clock, 100)), 60)).settle(
                60, endpoint=ENDPOINT
            )
        clock.advance(5 * 3_600)
        account.claim(ledger, clock.now())
        await ledger.flush()
        account.carry(ledger, clock.now())
        one = budget(ledger, clock, {}, account=account)
        with pytest.raises(InsufficientFunds):
            await reserved(one, 41)
        await reserved(one, 40)

    async def test_what_a_failed_flush_did_not_record_is_recorded_by_the_next(
        self, ledger: Ledger, place: Place, clock: ManualClock
    ) -> None:
        one = budget(ledger, clock, {}, account=await read(ledger, clock, 1_000))
        (await reserved(one, 3)).settle(3, endpoint=ENDPOINT)
        with place.away(), pytest.raises(LedgerUnavailable):
            await ledger.flush()
        await ledger.flush()
        await ledger.flush()
        assert place.of_the_account() == {ACCOUNT: 50, CHARGED: 3}

    def test_connections_at_once_spend_the_account_to_its_floor(self, place: Place, clock: ManualClock) -> None:
        with ExitStack() as opened:
            ledgers = [opened.enter_context(closing(Ledger(place.store(), clock=clock))) for _ in range(4)]

            def exhaust(ledger: Ledger) -> int:
                one = budget(ledger, clock, {}, account=wait(read(ledger, clock, LIMIT + 7, floor=7)))
                with suppress(InsufficientFunds):
                    while True:
                        spend(one, 1)
                return one.charged

            with ThreadPoolExecutor(len(ledgers)) as threads:
                spent = sum(threads.map(exhaust, ledgers))
            # Blocks near the floor are small, and all of them are spent.
            assert spent == LIMIT
            assert place.of_the_account()[ACCOUNT] == LIMIT


async def read(ledger: Ledger, clock: ManualClock, balance: int, *, floor: int = 0) -> AccountGuard:
    """An account whose balance was read just now."""
    await ledger.flush()
    account = AccountGuard(floor=floor)
    account.note_balance(BalanceReading(balance, clock.now(), ledger.account.charged(clock.now())))
    return account

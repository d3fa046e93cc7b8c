"""What an operation, its client and the account behind both may spend."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import Allowance
from gateway.billing.ledger import Ledger
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, BudgetExceeded, GatewayError, InsufficientFunds
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, read_balance, reserve, reserved, spend
from tests.fakes.clock import ManualClock

MOMENTS = st.floats(0, datetime(2100, 1, 1, tzinfo=UTC).timestamp(), allow_nan=False)


def known(ledger: Ledger, clock: ManualClock, *, balance: int, floor: int = 0) -> AccountGuard:
    account = AccountGuard(floor=floor)
    read_balance(account, ledger, clock, balance)
    return account


@given(MOMENTS)
def test_windows_are_the_calendars_in_utc(now: float) -> None:
    first = datetime.fromtimestamp(math.floor(now), UTC)
    expected = {
        Window.MINUTE: (first := first.replace(second=0)),
        Window.HOUR: (first := first.replace(minute=0)),
        Window.DAY: (first := first.replace(hour=0)),
        Window.MONTH: first.replace(day=1),
    }
    for window, start in expected.items():
        assert window.bounds(now)[0] == start.timestamp() <= now < window.bounds(now)[1]


@given(MOMENTS, st.sampled_from(Window))
def test_windows_follow_each_other_without_a_gap(now: float, window: Window) -> None:
    start, end = window.bounds(now)
    assert window.bounds(start) == window.bounds(end - 1) == (start, end)
    assert window.bounds(end)[0] == end


def test_december_ends_with_the_year() -> None:
    start, end = Window.MONTH.bounds(datetime(2026, 12, 31, 23, tzinfo=UTC).timestamp())
    assert (start, end) == (datetime(2026, 12, 1, tzinfo=UTC).timestamp(), datetime(2027, 1, 1, tzinfo=UTC).timestamp())


def test_a_reservation_counts_until_it_is_settled_at_the_real_price(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {Window.DAY: 10}, ceiling=8)
    reservation = reserve(one, 3)
    assert (one.remaining(), one.charged, one.allowance.remaining()) == (5, 0, 7)
    reservation.settle(2, endpoint=ENDPOINT)
    assert (one.remaining(), one.charged, one.allowance.remaining()) == (6, 2, 8)


def test_settling_twice_counts_once(ledger: Ledger, clock: ManualClock) -> None:
    """A cancelled flight settles in its own clean-up, and again in its operation's."""
    one = budget(ledger, clock, {Window.DAY: 10}, ceiling=8, account=known(ledger, clock, balance=100))
    reservation = reserve(one, 3)
    reservation.settle(3, endpoint=ENDPOINT)
    reservation.settle(0, endpoint=ENDPOINT)
    assert (one.charged, one.remaining(), one.allowance.spent, one.account.balance) == (3, 5, 3, 97)


def test_an_overrun_is_counted_everywhere(ledger: Ledger, clock: ManualClock) -> None:
    """The upstream's price may differ from our table: what it billed is gone, whatever was reserved."""
    one = budget(ledger, clock, {Window.DAY: 4}, ceiling=5, account=known(ledger, clock, balance=10))
    reserve(one, 4).settle(6, endpoint=ENDPOINT)
    assert (one.charged, one.remaining(), one.account.balance) == (6, 0, 4)
    assert (one.allowance.spent, one.allowance.remaining()) == (6, 0)
    with pytest.raises(AllowanceExceeded):
        reserve(budget(ledger, clock, {Window.DAY: 4}), 1)


def test_a_refusal_takes_nothing_from_any_window(ledger: Ledger, clock: ManualClock) -> None:
    limits = {Window.MINUTE: 100, Window.HOUR: 3, Window.MONTH: 100}
    one = budget(ledger, clock, limits, account=known(ledger, clock, balance=50))
    with pytest.raises(AllowanceExceeded):
        reserve(one, 4)
    assert [window.spent for window in one.allowance.figures()] == [0, 0, 0]
    spend(one, 3)
    assert [window.remaining for window in one.allowance.figures()] == [97, 0, 97]
    budget(ledger, clock, {}, account=one.account).admit(47)


def test_a_ceiling_refuses_with_its_figures(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {}, ceiling=5)
    spend(one, 2)
    for attempt in (one.admit, partial(reserve, one)):
        with pytest.raises(BudgetExceeded) as refusal:
            attempt(4)
        assert refusal.value.extensions == {"code": "BUDGET_EXCEEDED", "price": 4, "limit": 5, "remaining": 3}
    one.admit(3)


@pytest.mark.parametrize(
    ("limits", "remaining", "resets_at"),
    [
        ({Window.MINUTE: 2, Window.DAY: 100}, 2, "2026-03-30T12:31:00+00:00"),
        ({Window.MINUTE: 100, Window.HOUR: 3}, 3, "2026-03-30T13:00:00+00:00"),
        ({Window.MINUTE: 1, Window.DAY: 2}, 1, "2026-03-31T00:00:00+00:00"),
        ({Window.MONTH: 0, Window.HOUR: 1}, 0, "2026-04-01T00:00:00+00:00"),
    ],
)
def test_an_allowance_refuses_until_the_last_window_that_blocks_ends(
    ledger: Ledger, limits: dict[Window, int], remaining: int, resets_at: str
) -> None:
    """Coming back when only the first of two exhausted windows ends would be refused again."""
    one = budget(ledger, ManualClock(datetime(2026, 3, 30, 12, 30, 7, tzinfo=UTC).timestamp()), limits)
    for attempt in (one.admit, partial(reserve, one)):
        with pytest.raises(AllowanceExceeded) as refusal:
            attempt(4)
        assert refusal.value.extensions == {
            "code": "ALLOWANCE_EXCEEDED",
            "price": 4,
            "remaining": remaining,
            "resetsAt": resets_at,
            "retryAfter": datetime.fromisoformat(resets_at).timestamp() - one.allowance.clock.now(),
        }


def test_after_resets_at_the_window_is_new(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {Window.MINUTE: 2, Window.MONTH: 3})
    spend(one, 2)
    with pytest.raises(AllowanceExceeded) as refusal:
        reserve(one, 2)
    resets_at = datetime.fromisoformat(str(refusal.value.extensions["resetsAt"]))
    clock.advance(resets_at.timestamp() - clock.now())
    spend(one, 2)
    assert [window.spent for window in one.allowance.figures()] == [2, 2]


def test_a_settlement_after_its_window_leaves_the_next_window_alone(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {Window.MINUTE: 10})
    given_back, overrun = reserve(one, 4), reserve(one, 2)
    clock.advance(60)
    spend(one, 1)
    given_back.settle(0, endpoint=ENDPOINT)
    overrun.settle(9, endpoint=ENDPOINT)
    assert one.allowance.spent == 1
    clock.advance(-60)
    assert one.allowance.spent == 9


def test_the_tightest_window_speaks_for_the_allowance(ledger: Ledger, clock: ManualClock) -> None:
    allowance = budget(ledger, clock, {Window.MINUTE: 5, Window.MONTH: 100}).allowance
    assert (allowance.limit, allowance.spent, allowance.remaining()) == (5, 0, 5)
    assert allowance.resets_at() == BEFORE_MONTH_END + 30


def test_without_windows_nothing_limits(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {})
    spend(one, 10**6)
    allowance = one.allowance
    assert allowance.figures() == ()
    assert (allowance.limit, allowance.spent, allowance.remaining(), allowance.resets_at()) == (None, None, None, None)
    assert (one.limit, one.remaining(), one.charged) == (None, None, 10**6)


def test_a_lowered_limit_holds_against_what_was_leased_before(ledger: Ledger, clock: ManualClock) -> None:
    """The clients file may be reloaded in the middle of a window, when a block of the old limit is still idle."""
    spend(budget(ledger, clock, {Window.DAY: 2000}), 5)
    lowered = budget(ledger, clock, {Window.DAY: 7})
    spend(lowered, 2)
    with pytest.raises(AllowanceExceeded):
        reserve(lowered, 1)


def test_what_costs_nothing_is_never_refused(ledger: Ledger, clock: ManualClock) -> None:
    one = budget(ledger, clock, {Window.DAY: 1}, ceiling=1, account=known(ledger, clock, balance=20, floor=9))
    reserve(one, 1).settle(20, endpoint=ENDPOINT)
    one.admit(0)
    spend(one, 0)
    assert one.charged == 20


def test_the_account_is_not_spent_below_its_floor(ledger: Ledger, clock: ManualClock) -> None:
    account = known(ledger, clock, balance=100, floor=90)
    one = budget(ledger, clock, {Window.DAY: 50}, account=account)
    held = reserve(one, 8)
    for attempt in (one.admit, partial(reserve, one)):
        with pytest.raises(InsufficientFunds):
            attempt(3)
    held.settle(7, endpoint=ENDPOINT)
    spend(one, 3)
    assert (account.balance, one.allowance.spent) == (90, 10)
    with pytest.raises(InsufficientFunds):
        budget(ledger, clock, {}, account=account).admit(1)


def test_an_unknown_balance_refuses_nothing_until_the_upstream_says_402(ledger: Ledger, clock: ManualClock) -> None:
    account = AccountGuard(floor=10)
    one = budget(ledger, clock, {}, account=account)
    spend(one, 5)
    assert account.balance is None
    account.note_empty()
    with pytest.raises(InsufficientFunds):
        reserve(one, 1)
    read_balance(account, ledger, clock, 50)
    spend(one, 5)
    assert account.balance == 45


def test_a_full_allowance_refuses_what_no_account_was_asked_for(ledger: Ledger, clock: ManualClock) -> None:
    """A refused reservation leaves nothing reserved of the account."""
    account = known(ledger, clock, balance=10)
    one = budget(ledger, clock, {Window.DAY: 1}, account=account)
    for _ in range(20):
        with pytest.raises(AllowanceExceeded):
            reserve(one, 5)
    budget(ledger, clock, {}, account=account).admit(10)


@pytest.mark.parametrize("price", [1, 3])
async def test_a_thousand_operations_at_once_never_spend_more_than_the_allowance(
    ledger: Ledger, clock: ManualClock, price: int
) -> None:
    draw = random.Random(price)
    charged: list[int] = []
    refusals: list[GatewayError] = []

    async def operation() -> None:
        one = budget(ledger, clock, {Window.DAY: 500, Window.MONTH: 900}, ceiling=price)
        await asyncio.sleep(0)
        try:
            reservation = await reserved(one, price)
        except AllowanceExceeded as refusal:
            refusals.append(refusal)
            return
        for _ in range(draw.randrange(4)):
            await asyncio.sleep(0)
        reservation.settle(price, endpoint=ENDPOINT)
        charged.append(one.charged)

    await asyncio.gather(*(operation() for _ in range(1000)))
    assert sum(charged) == 500 // price * price
    assert len(refusals) == 1000 - len(charged)
    assert {refusal.extensions["resetsAt"] for refusal in refusals} == {"2026-04-01T00:00:00+00:00"}


def test_two_clients_do_not_share_an_allowance(ledger: Ledger, clock: ManualClock) -> None:
    spend(budget(ledger, clock, {Window.DAY: 5}, client="web"), 5)
    other = Allowance("router", {Window.DAY: 5}, ledger=ledger, clock=clock)
    assert other.remaining() == 5

"""The upstream account's balance, as it sinks and recovers."""

from __future__ import annotations

import pytest

from gateway.billing.account import Gauge
from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.events import BalanceAtFloor, BalanceLow, BalanceRecovered, Event


def told(balances: list[int], *, floor: int = 0, thresholds: tuple[int, ...] = (20, 5)) -> list[Event]:
    events = list[Event]()
    gauge = Gauge(floor, thresholds, events.append)
    for balance in balances:
        gauge.hear(balance)
    return events


LOW, LOWER, FLOOR = BalanceLow(200, 20, 1_000), BalanceLow(50, 5, 1_000), BalanceAtFloor(0, 0)


@pytest.mark.parametrize(
    ("balances", "events"),
    [
        ([1_000, 201], []),
        ([1_000, 200, 199, 51], [LOW]),
        ([1_000, 200, 50, 49, 1, 0], [LOW, LOWER, FLOOR]),
        ([1_000, 0], [FLOOR]),
        ([0, 0], [FLOOR]),
        ([1_000, 200, 1_000], [LOW, BalanceRecovered(1_000)]),
        ([1_000, 200, 50, 0, 60, 300], [LOW, LOWER, FLOOR, BalanceRecovered(60), BalanceRecovered(300)]),
        ([1_000, 200, 900, 200], [LOW, BalanceRecovered(900), LOW]),
    ],
)
def test_each_threshold_is_told_once_until_the_balance_has_recovered(balances: list[int], events: list[Event]) -> None:
    assert told(balances) == events


def test_a_reading_that_is_a_little_higher_than_what_was_counted_down_is_no_recovery() -> None:
    """What others spend, and when it is billed, makes the two differ by some requests."""
    assert told([1_000, 200, 203, 198, 201, 199]) == [LOW]


def test_shares_are_of_the_most_there_was() -> None:
    assert told([100, 1_000, 200]) == [LOW]
    assert told([100, 50]) == []


def test_the_floor_may_lie_above_a_threshold() -> None:
    assert told([1_000, 200, 100, 50], floor=100) == [LOW, BalanceAtFloor(100, 100), LOWER]


def test_the_guard_tells_each_change_and_no_repetition() -> None:
    heard = list[int]()
    guard = AccountGuard(floor=0)
    guard.tell = heard.append
    guard.note_charged(1)  # of what is not known yet
    guard.note_balance(BalanceReading(10, 0.0, {}))
    guard.note_balance(BalanceReading(10, 0.0, {}))
    guard.note_charged(3)
    guard.note_empty()
    assert heard == [10, 7, 0]

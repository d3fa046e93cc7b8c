"""When the money runs out, if spending goes on as in the last days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.billing.forecast import Forecast, first_day, forecast
from gateway.billing.ledger_store import UNITEMISED, Row
from tests.fakes.clock import EPOCH

TODAY = date(2026, 3, 12)
DAY = 86_400.0
MIDNIGHT = EPOCH // DAY * DAY
NOON = MIDNIGHT + DAY / 2
NOTHING = Forecast(None, None, None)


def row(days_ago: int, billed: int, endpoint: str = "tray") -> Row:
    return Row(TODAY - timedelta(days_ago), "web", endpoint, billed, billed)


def test_the_average_is_that_of_a_week() -> None:
    rows = [row(ago, 65) for ago in range(7)]
    assert first_day(NOON) == date(2026, 3, 6)
    assert forecast(rows, 1_000, 300, NOON, made=None) == Forecast(70.0, NOON + 10 * DAY, NOON - 6.5 * DAY)


def test_a_gateway_that_is_new_has_a_shorter_average() -> None:
    assert forecast([row(1, 30), row(0, 15)], 60, 0, NOON, made=None) == Forecast(
        30.0, NOON + 2 * DAY, NOON - 1.5 * DAY
    )


@pytest.mark.parametrize("made", [None, NOON + 1, NOON - 9 * DAY])
def test_the_average_is_that_of_the_first_day_from_its_begin(made: float | None) -> None:
    """Also where the ledger was made before, or after the clock was set back."""
    assert forecast([row(0, 30)], 60, 0, NOON, made=made) == Forecast(60.0, NOON + DAY, MIDNIGHT)


def test_a_ledger_that_was_made_on_that_day_has_a_shorter_average() -> None:
    made = NOON - DAY / 8
    assert forecast([row(0, 30)], 480, 0, NOON, made=made) == Forecast(240.0, NOON + 2 * DAY, made)


@pytest.mark.parametrize(("now", "made"), [(MIDNIGHT + 3_599, None), (NOON, NOON - 120)])
def test_a_burst_of_minutes_is_no_forecast(now: float, made: float | None) -> None:
    assert forecast([row(0, 294)], 1_000_000, 0, now, made=made) == NOTHING


def test_days_without_spending_count() -> None:
    assert forecast([row(3, 35)], 10, 0, NOON, made=None).per_day == 10.0


@pytest.mark.parametrize("rows", [[], [row(0, 50, UNITEMISED)], [row(0, 0)]])
def test_without_spending_there_is_no_forecast(rows: list[Row]) -> None:
    """An amount that is leased by a running process is mostly not spent."""
    assert forecast(rows, 1_000, 0, NOON, made=None) == NOTHING


def test_an_unknown_balance_ends_at_no_time() -> None:
    assert forecast([row(0, 30)], None, 0, NOON, made=None) == Forecast(60.0, None, MIDNIGHT)


def test_a_balance_below_the_floor_has_ended() -> None:
    assert forecast([row(0, 30)], 10, 20, NOON, made=None) == Forecast(60.0, NOON, MIDNIGHT)


def test_a_balance_that_lasts_for_ever_has_no_end() -> None:
    assert forecast([row(0, 1)], 2**31 - 1, 0, NOON, made=None) == Forecast(2.0, None, MIDNIGHT)

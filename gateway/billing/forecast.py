"""A forecast of the upstream account's balance from the spending of the last days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.billing.ledger_store import UNITEMISED, Row
from gateway.domain.window import day_of

DAYS = 7  # whose average is expected to go on
DAY = timedelta(days=1)
LEAST_SECONDS = 3_600  # of spending from which an average is made: a burst of minutes does not go on
FURTHEST = 36_500  # days that a balance may last for its end to be named


@dataclass(frozen=True, slots=True)
class Forecast:
    """`per_day` is the average spending in billed requests since `since`; `lasts_until` is the end of the balance.

    Times are in Unix seconds. All are None if nothing was spent, or if the ledger knows less than an hour;
    `lasts_until` also if the balance is unknown, or lasts for a century.
    """

    per_day: float | None
    lasts_until: float | None
    since: float | None


def first_day(now: float) -> date:
    """Return the first of the days from which a forecast is made."""
    return day_of(now) - (DAYS - 1) * DAY


def forecast(rows: Iterable[Row], balance: int | None, floor: int, now: float, *, made: float | None) -> Forecast:
    """Return the forecast from the spending since `first_day`, for a balance that may sink to `floor`.

    The average is that of the time since the first day with spending began, or since the ledger was `made` if that is
    later; a ledger of an earlier version does not know it (None). What is leased and not itemised does not count: most
    of it is not spent.
    """
    spent = [row for row in rows if row.endpoint != UNITEMISED and row.billed]
    if not spent:
        return Forecast(None, None, None)
    began = datetime.combine(min(row.day for row in spent), datetime.min.time(), UTC).timestamp()
    if made is not None and made <= now:  # else the clock was set back
        began = max(began, made)
    if now - began < LEAST_SECONDS:
        return Forecast(None, None, None)
    per_day = sum(row.billed for row in spent) / ((now - began) / DAY.total_seconds())
    if balance is None:
        return Forecast(per_day, None, began)
    days = max(0, balance - floor) / per_day
    return Forecast(per_day, now + days * DAY.total_seconds() if days <= FURTHEST else None, began)

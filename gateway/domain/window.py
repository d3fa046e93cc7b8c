"""Calendar windows in which spending is counted."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime
from typing import assert_never


class Window(enum.Enum):
    """A calendar window in UTC: all daily allowances reset at the same midnight."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def bounds(self, now: float) -> tuple[int, int]:
        """Return the first second of the window that contains `now`, and of the next one, in Unix seconds."""
        match self:
            case Window.DAY:
                return _slice(now, 86_400)
            case Window.HOUR:
                return _slice(now, 3_600)
            case Window.MINUTE:
                return _slice(now, 60)
            case Window.MONTH:
                return _month(now)
            case _:
                assert_never(self)


def _slice(now: float, length: int) -> tuple[int, int]:
    start = int(now // length) * length
    return start, start + length


def _month(now: float) -> tuple[int, int]:
    # Whole seconds, because `fromtimestamp` rounds, which would put the last instant of a month into the next one.
    first = datetime.fromtimestamp(math.floor(now), UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(first.timestamp()), int(following.timestamp())


def day_of(now: float) -> date:
    """Return the day in UTC."""
    return datetime.fromtimestamp(Window.DAY.bounds(now)[0], UTC).date()

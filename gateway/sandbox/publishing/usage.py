"""The usage headers: an account's calls in the last hour, in percent of its limit."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from gateway.clock import Clock
from gateway.sandbox.faults import Usage as UsageFault
from gateway.sandbox.publishing.problems import APP_LIMIT, WriteError

MINUTES = 60
HOUR = 3_600
CALLS_PER_HOUR = 100_000


class Usage:
    """The calls of each account, counted by the minute. `per_hour` is the number of calls for a hundred percent."""

    def __init__(self, clock: Clock, per_hour: int) -> None:
        self._clock = clock
        self._per_hour = per_hour
        self.clear()

    def clear(self) -> None:
        self._calls: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._seconds: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def check(self, account: int) -> None:
        """Count one call. Raises WriteError from a hundred percent on, with the time until calls are allowed again."""
        minutes = self._recent(self._calls[account])
        if minutes.total() >= self._per_hour:
            raise WriteError(APP_LIMIT, regain=min(minutes) + MINUTES - self._minute())
        minutes[self._minute()] += 1

    def note(self, account: int, milliseconds: float) -> None:
        self._recent(self._seconds[account])[self._minute()] += round(milliseconds)

    def headers(self, account: int, fault: UsageFault | None, regain: int | None) -> dict[str, str]:
        """Return the usage headers. `regain` is in minutes. A fault replaces the numbers."""
        calls = self._recent(self._calls[account]).total() * 100 // self._per_hour
        time = self._recent(self._seconds[account]).total() // (HOUR * 10)
        if fault is not None:
            calls, regain = fault.percent, max(fault.regain, regain or 0)
        shares = {"call_count": calls, "total_time": time, "total_cputime": time}
        business = {"type": "instagram", **shares, "estimated_time_to_regain_access": regain or 0}
        return {
            "x-app-usage": msgspec.json.encode(shares).decode(),
            "x-business-use-case-usage": msgspec.json.encode({str(account): [business]}).decode(),
        }

    def _minute(self) -> int:
        return int(self._clock.now() // 60)

    def _recent(self, minutes: Counter[int]) -> Counter[int]:
        for old in [minute for minute in minutes if minute <= self._minute() - MINUTES]:
            del minutes[old]
        return minutes

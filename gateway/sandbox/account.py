"""The billed account of the read API: its access keys, its balance in billed requests, its rate limit."""

from __future__ import annotations

import math

from gateway.clock import Clock

PRICE_PER_REQUEST = 0.00046  # US dollars, as in the vendor's own example of a balance
UNLIMITED = 1_000  # the rate in the balance if the account is not limited


class Account:
    """An account. `rate` is in requests per second, with a burst of one second; None is unlimited."""

    def __init__(self, clock: Clock, keys: frozenset[str], balance: int, rate: int | None) -> None:
        self._clock = clock
        self._keys = keys
        self._opening_balance = balance
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        self.balance = self._opening_balance
        self._tokens = float(self._rate or 0)
        self._refilled_at = self._clock.monotonic()

    def knows(self, key: str | None) -> bool:
        return key in self._keys

    def wait_for_turn(self) -> int:
        """Take a token and return 0, or return the whole seconds until one is available."""
        if self._rate is None:
            return 0
        now = self._clock.monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._refilled_at) * self._rate)
        self._refilled_at = now
        if self._tokens < 1:
            return math.ceil((1 - self._tokens) / self._rate)
        self._tokens -= 1
        return 0

    def statement(self) -> dict[str, object]:
        """Return the response body of `/sys/balance`."""
        return {
            "requests": self.balance,
            "rate": self._rate or UNLIMITED,
            "currency": "USD",
            "amount": round(self.balance * PRICE_PER_REQUEST, 4),
        }

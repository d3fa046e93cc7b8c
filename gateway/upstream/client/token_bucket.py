"""The rate of an upstream as a token bucket. It knows no order: `request_queue.py` decides which request is next."""

from __future__ import annotations

from gateway.clock import Clock

# The part of a token that may be missing: rounding could otherwise request sleeps too short to advance the clock.
ROUNDING = 1e-6


class TokenBucket:
    """The tokens of all requests to an upstream: `rate` a second, and a burst of one second, at least one token."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = self.whole_rate = rate
        self._parts = 1
        self._tokens = self._capacity = max(1.0, rate)
        self._filled_at = clock.monotonic()

    @property
    def rate(self) -> float:
        """Requests per second: a part of `whole_rate` if it is divided."""
        return self._rate

    def take(self) -> bool:
        """Take a token if there is one. Return whether there was."""
        self._fill()
        if 1 - self._tokens > ROUNDING:
            return False
        self._tokens -= 1
        return True

    def give_back(self) -> None:
        """Return a token that was taken for a request that is not sent."""
        self._fill()
        self._tokens = min(self._capacity, self._tokens + 1)

    def wait(self, tokens: int = 1) -> float:
        """Return the seconds until so many tokens have been granted, if each is taken at once."""
        self._fill()
        missing = tokens - self._tokens
        return missing / self._rate if missing > ROUNDING else 0.0

    def change(self, rate: float) -> None:
        """Set the rate from now on. It is divided as before."""
        self._fill()
        self.whole_rate = rate
        self._rate = rate / self._parts
        self._capacity = max(1.0, self._rate)

    def divide(self, parts: int) -> None:
        """Grant one of so many equal parts of the rate from now on."""
        if parts != self._parts:
            self._parts = parts
            self.change(self.whole_rate)
            self._tokens = min(self._tokens, self._capacity)

    def pause(self, seconds: float) -> None:
        """Grant no token for `seconds`, because the upstream's rate limit was reached."""
        self._fill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        tokens = self._tokens + (now - self._filled_at) * self._rate
        self._tokens = tokens if tokens < self._capacity else self._capacity
        self._filled_at = now

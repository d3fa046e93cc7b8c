"""A rate limiter that queues requests in their order and rejects none."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock

# The part of a token that may be missing: rounding could otherwise request sleeps too short to advance the clock.
ROUNDING = 1e-6


class RateLimiter:
    """A token bucket with a burst of one second, at least one token. Waiters are served first come, first served.

    A cancelled waiter uses no token: only the head of the queue sleeps, and it takes its token last.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = rate
        self._tokens = self._capacity
        self._filled_at = clock.monotonic()
        self._queue = asyncio.Lock()
        self._waiting = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self._rate

    def take(self) -> bool:
        """Take a token if one is available and no request is queued. Return whether it was taken."""
        if self._waiting or self._wait() > 0:
            return False
        self._tokens -= 1
        return True

    async def acquire(self) -> None:
        """Wait until one request may be sent, and take its token."""
        self._waiting += 1  # the lock alone would not do: it is free for a moment between two holders
        try:
            async with self._queue:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._tokens -= 1
        finally:
            self._waiting -= 1

    def change(self, rate: float) -> None:
        """Set the rate from now on; the waiter at the head of the queue applies it after its current sleep."""
        self._fill()
        self._rate = rate

    def pause(self, seconds: float) -> None:
        """Grant no token for `seconds`, because the upstream's rate limit was reached."""
        self._fill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    @property
    def _capacity(self) -> float:
        return max(1.0, self._rate)

    def _wait(self) -> float:
        self._fill()
        missing = 1 - self._tokens
        return missing / self._rate if missing > ROUNDING else 0.0

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now

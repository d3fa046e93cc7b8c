"""The upstream's rate limit, kept by waiting in line: nobody is refused, and nobody is overtaken."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock

# A token less this is a token: without it rounding could ask for sleeps too short to move the clock.
ROUNDING = 1e-6


class RateLimiter:
    """A token bucket that holds one second's worth, at least one token. Tokens are handed out first come, first served.

    A waiter that is cancelled takes nothing with it: only the head of the line sleeps, and a token is taken last.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = rate
        self._tokens = self._capacity
        self._filled_at = clock.monotonic()
        self._line = asyncio.Lock()
        self._waiting = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self._rate

    def take(self) -> bool:
        """Whether a request may be sent at once, with nobody waiting in line. If so, its token is taken."""
        if self._waiting or self._wait() > 0:
            return False
        self._tokens -= 1
        return True

    async def acquire(self) -> None:
        """Returns when one request may be sent."""
        self._waiting += 1  # the lock itself is free for a moment whenever it is handed on
        try:
            async with self._line:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._tokens -= 1
        finally:
            self._waiting -= 1

    def change(self, rate: float) -> None:
        """From now on; the waiter at the head of the line notices it when its present wait is over."""
        self._fill()
        self._rate = rate

    def pause(self, seconds: float) -> None:
        """Hands out nothing for `seconds`: the upstream said that it had enough."""
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

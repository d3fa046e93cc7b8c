"""A circuit breaker: requests to an upstream that is down fail at once instead of queueing for a timeout.

The evaluated library (purgatory 3.0) is not used for two reasons. It reads the wall clock itself, so its recovery can
neither be tested in virtual time nor survive a step of the system's clock. And when it half-opens it lets every waiting
request through at once, although one probe is enough.
"""

from __future__ import annotations

import enum

from gateway.clock import Clock
from gateway.events import CircuitBreakerStateChanged, EventLimit, Hook

REPORT_SECONDS = 60.0  # between two reported openings: an unstable upstream opens it every few seconds


class BreakerState(enum.Enum):
    CLOSED = "closed"
    OPENED = "opened"
    HALF_OPENED = "half-opened"


class Breaker:
    """A breaker that opens after `failures` failures in a row; `cool_down` seconds later one probe may close it."""

    def __init__(self, *, failures: int, cool_down: float, clock: Clock, hook: Hook, upstream: str = "reading") -> None:
        self._threshold = failures
        self._cool_down = cool_down
        self._clock = clock
        self._hook = hook
        self._upstream = upstream
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._opens_at = 0.0
        # The number of state changes: the result of a request that began before the last one is ignored.
        self._generation = 0
        self._openings = EventLimit(REPORT_SECONDS, clock)
        self._is_reported = False  # whether an opening was reported, and no closing since

    def refuses(self) -> float | None:
        """Return the seconds until a retry makes sense, or None if a request may be sent now."""
        if self._state is BreakerState.CLOSED:
            return None
        if self._state is BreakerState.HALF_OPENED:
            return self._cool_down
        wait = self._opens_at - self._clock.monotonic()
        return wait if wait > 0 else None

    def enter(self) -> int:
        """Begin a request and return its ticket. Requires `refuses()` to be None, and `settle(ticket)` in any case."""
        if self._state is BreakerState.OPENED:
            self._change(BreakerState.HALF_OPENED)
        return self._generation

    def settle(self, ticket: int, healthy: bool | None) -> None:
        """End a request. `healthy` is None if it was abandoned before its result was known."""
        if ticket != self._generation:
            return
        if self._state is BreakerState.HALF_OPENED:
            self._end_probe(healthy)
        elif healthy is False:
            self._failures += 1
            if self._failures >= self._threshold:
                self._open(self._cool_down)
        elif healthy:
            self._failures = 0

    def _end_probe(self, healthy: bool | None) -> None:
        if healthy:
            self._failures = 0
            self._change(BreakerState.CLOSED)
        else:
            self._open(0 if healthy is None else self._cool_down)

    def _open(self, seconds: float) -> None:
        self._opens_at = self._clock.monotonic() + seconds
        self._change(BreakerState.OPENED)

    def _change(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._hook(CircuitBreakerStateChanged(state.value, self._upstream, self._should_report(state)))

    def _should_report(self, state: BreakerState) -> bool:
        """Return whether to report the change: a closing is reported if the opening was."""
        was_reported = self._is_reported
        if state is BreakerState.OPENED:
            self._is_reported = was_reported or self._openings.allows()
        elif state is BreakerState.CLOSED:
            self._is_reported = False
        return self._is_reported is not was_reported

"""A circuit breaker in front of an upstream that is down: callers learn it at once instead of queueing for a timeout.

Own code, because the library that was looked at (purgatory 3.0) reads the wall clock by itself, so its recovery can
neither be tested in virtual time nor survive a step of the system's clock, and because it lets every waiting request
through at once when it half-opens, where one probe is enough to know.
"""

from __future__ import annotations

import enum

from gateway.clock import Clock
from gateway.events import CircuitBreakerStateChanged, EventLimit, Hook

TOLD_SECONDS = 60.0  # between two openings that are told: an upstream that comes and goes opens it every few seconds


class State(enum.Enum):
    CLOSED = "closed"
    OPENED = "opened"
    HALF_OPENED = "half-opened"


class Breaker:
    """Opens after `failures` consecutive failures; `cool_down` seconds later one probe decides whether it closes."""

    def __init__(self, *, failures: int, cool_down: float, clock: Clock, hook: Hook, upstream: str = "reading") -> None:
        self._threshold = failures
        self._cool_down = cool_down
        self._clock = clock
        self._hook = hook
        self._upstream = upstream
        self._state = State.CLOSED
        self._failures = 0
        self._opens_at = 0.0
        # Counts the changes of state: the end of a request that began before the last change says nothing any more.
        self._era = 0
        self._openings = EventLimit(TOLD_SECONDS, clock)
        self._is_told = False  # that it is not closed

    def refuses(self) -> float | None:
        """Seconds after which asking again makes sense, or None if a request may be sent now."""
        if self._state is State.CLOSED:
            return None
        if self._state is State.HALF_OPENED:
            return self._cool_down
        wait = self._opens_at - self._clock.monotonic()
        return wait if wait > 0 else None

    def enter(self) -> int:
        """Call it only when `refuses()` is None, and hand the ticket to `settle`, whatever happens."""
        if self._state is State.OPENED:
            self._change(State.HALF_OPENED)
        return self._era

    def settle(self, ticket: int, healthy: bool | None) -> None:
        """`healthy` is None for a request that was given up before it could tell."""
        if ticket != self._era:
            return
        if self._state is State.HALF_OPENED:
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
            self._change(State.CLOSED)
        else:
            self._open(0 if healthy is None else self._cool_down)

    def _open(self, seconds: float) -> None:
        self._opens_at = self._clock.monotonic() + seconds
        self._change(State.OPENED)

    def _change(self, state: State) -> None:
        self._state = state
        self._era += 1
        self._hook(CircuitBreakerStateChanged(state.value, self._upstream, self._is_news(state)))

    def _is_news(self, state: State) -> bool:
        """Whoever was told that it opened is told that it closed."""
        was_told = self._is_told
        if state is State.OPENED:
            self._is_told = was_told or self._openings.allows()
        elif state is State.CLOSED:
            self._is_told = False
        return self._is_told is not was_told

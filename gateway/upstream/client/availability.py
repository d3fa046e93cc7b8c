"""Availability of an upstream, reported when it is first known and whenever it changes, not per request."""

from __future__ import annotations

import enum

from gateway.clock import Clock
from gateway.errors import (
    AccountDisconnected,
    GatewayError,
    InsufficientFunds,
    UpstreamError,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from gateway.events import EventLimit, Hook, UpstreamAccess

FORBIDDEN = 403
# Seconds between two reported refusals: a proxy in front of an upstream may reject one request and pass the next.
QUIET = 60.0


class AvailabilityState(enum.Enum):
    """The availability of an upstream. FAILS: no response yet; later failures are reported by the circuit breaker."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    FAILS = "fails"


class Access:
    """The availability of one upstream. `key` and `url` name the settings that an operator checks first."""

    def __init__(self, upstream: str, *, key: str, url: str, clock: Clock, hook: Hook) -> None:
        self._upstream = upstream
        self._key = key
        self._url = url
        self._hook = hook
        self._state: AvailabilityState | None = None
        self._refusals = EventLimit(QUIET, clock)

    def note(self, problem: GatewayError | None, *, status: int | None = None, is_charged: bool = False) -> None:
        """Record the result of a request. A charge proves access, unless the response is not the upstream's."""
        if problem is None or (is_charged and not isinstance(problem, UpstreamInvalidAnswer)):
            self._answers()
        elif isinstance(problem, UpstreamUnauthorized | AccountDisconnected):
            self._refuses(f"{problem.message} Check {self._key}.")
        elif isinstance(problem, UpstreamRejected) and status == FORBIDDEN:
            self._refuses(
                f"The upstream denies access to the gateway (403). Check {self._key}, and which addresses may connect."
            )
        elif not isinstance(problem, UpstreamError) or isinstance(problem, InsufficientFunds | UpstreamRateLimited):
            self._answers()
        elif self._state is None:
            self._change(
                AvailabilityState.FAILS,
                f"{problem.message} Check {self._url}, the network, and the proxy if there is one.",
            )

    def _answers(self) -> None:
        if self._state is not AvailabilityState.ANSWERS:
            self._change(AvailabilityState.ANSWERS, None)

    def _refuses(self, sentence: str) -> None:
        if self._state is not AvailabilityState.REFUSES and self._refusals.allows():
            self._change(AvailabilityState.REFUSES, sentence)

    def _change(self, state: AvailabilityState, sentence: str | None) -> None:
        self._state = state
        self._hook(UpstreamAccess(state.value, self._upstream, sentence))

"""The health of a store: a circuit breaker, so that one that does not respond costs no operation its timeout."""

from __future__ import annotations

from collections.abc import Callable

from gateway.shared_cache.store_port import StoreProblem, StoreUnavailable

# Timeouts in a row after which the store is slow: one alone may be due to this process, which was busy.
TIMEOUTS = 2


class StoreHealth:
    """The problem of a store, if it has one; UNREACHABLE until it is known.

    While it has one, the part that follows the store's log tries the store periodically.
    """

    def __init__(self) -> None:
        self.problem: StoreProblem | None = StoreProblem.UNREACHABLE
        self.on_change: Callable[[StoreProblem | None], None] = lambda problem: None
        self._timeouts = 0
        self._is_known = False

    @property
    def is_readable(self) -> bool:
        return self.problem is None or self.problem.is_partial

    def check(self, *, is_tried_if_partial: bool) -> None:
        """Raise StoreUnavailable if a command is known to fail. With a partial problem it may be worth a try."""
        if self.problem is not None and not (is_tried_if_partial and self.problem.is_partial):
            raise StoreUnavailable(self.problem)

    def note_success(self) -> None:
        self._timeouts = 0

    def note_failure(self, problem: StoreProblem) -> None:
        if problem is StoreProblem.SLOW:
            self._timeouts += 1
            if self._timeouts < TIMEOUTS:
                return
        self.note(problem)

    def note(self, problem: StoreProblem | None) -> None:
        """SharedRecord the state that a trial of the store has found."""
        self._timeouts = 0
        if problem is not self.problem or not self._is_known:
            self.problem, self._is_known = problem, True
            self.on_change(problem)

"""An instance that notes what a store says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.clock import SystemClock
from gateway.shared_cache.store_port import LoggedInvalidation, LogPosition, SharedStore, StoredValue, StoreProblem

CLOCK = SystemClock()
# Seconds after which a condition is given up: of a machine under load, not of a quiet one.
PATIENCE = 30.0


class Listening:
    """The instance `origin` of a store."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.messages: list[bytes] = []
        self.restarts: list[bool] = []
        self.released: list[str] = []
        self.states: list[StoreProblem | None] = []

    def on_invalidation(self, message: bytes) -> None:
        self.messages.append(message)

    def on_restart(self, *, is_complete: bool) -> None:
        self.restarts.append(is_complete)

    def on_release(self, lock: str) -> None:
        self.released.append(lock)

    def on_state(self, problem: StoreProblem | None) -> None:
        self.states.append(problem)


async def until(condition: Callable[[], object]) -> None:
    """Returns when it holds. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await CLOCK.sleep(0.01)


def stored(name: str, value: bytes = b"value", *, fresh: float = 60.0, kept: float = 120.0) -> StoredValue:
    """A value that is fresh and kept for so many seconds."""
    now = CLOCK.now()
    return StoredValue(name, value, now + fresh, now + kept)


def about(subject: str, *names: str, origin: str = "a", number: int = 1) -> LoggedInvalidation:
    return LoggedInvalidation(origin, number, (subject,), names, f"{origin} {number}".encode())


def place_in(store: SharedStore) -> LogPosition:
    position = store.position
    assert position is not None, "the log is followed"
    return position

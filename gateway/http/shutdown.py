"""The shutdown of this process: its state, for the server, the health route and everything that lasts.

The server drains, if it is told to: load balancers are told, and everything is still served. Then it shuts down:
nothing new begins, what lasts is ended, and what is in progress is finished.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.events import Hook, ignore
from gateway.process_events import ShutdownBegan

# The name of the shutdown in the state that the application's lifespan gives to the server.
STATE = "shutdown"


class ShutdownState(enum.Enum):
    SERVING = enum.auto()
    DRAINING = enum.auto()
    ENDING = enum.auto()


class Shutdown:
    """The shutdown, which begins once. The server calls `drain` and `begin` on the event loop."""

    def __init__(self, hook: Hook = ignore) -> None:
        self._hook = hook
        self._state = ShutdownState.SERVING
        self._begun = asyncio.Event()
        self._calls: dict[object, Callable[[], object]] = {}

    @property
    def is_announced(self) -> bool:
        """Return whether load balancers should send requests to another process."""
        return self._state is not ShutdownState.SERVING

    @property
    def has_begun(self) -> bool:
        """Return whether nothing new may begin."""
        return self._state is ShutdownState.ENDING

    def drain(self, seconds: float) -> None:
        """Announce the shutdown, which begins in `seconds` or earlier. Idempotent."""
        if not self.is_announced:
            self._state = ShutdownState.DRAINING
            self._hook(ShutdownBegan(seconds))

    def begin(self) -> None:
        """Begin the shutdown. Idempotent."""
        self.drain(0.0)
        self._state = ShutdownState.ENDING
        self._begun.set()
        for call in list(self._calls.values()):
            call()

    async def begun(self) -> None:
        """Wait until the shutdown begins."""
        await self._begun.wait()

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Call `call` when the shutdown begins within the context; at once if it has begun."""
        key = object()
        self._calls[key] = call
        try:
            if self.has_begun:
                call()
            yield
        finally:
            del self._calls[key]


# For what is served by another server than the gateway's own, which tells nothing.
NEVER = Shutdown()


def end_now(limit: asyncio.Timeout, seconds: float = 0.0) -> None:
    """Let the timeout expire in `seconds`, if it has not expired."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + seconds)

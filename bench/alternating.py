"""The gateway's command, which observes its replays by metrics and log in every second stretch of time alone.

    python -m bench.alternating FILE serve --port 8000

One process that does both by turns is compared with itself: two processes of the same program differ by several per
cent, which is more than what is measured. Each stretch under load is a line of FILE: 1 if it was observed and else 0,
the processor's seconds, and the replays. What an observed stretch has noted is counted and written before it ends.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TextIO

from starlette.types import Receive, Scope, Send

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.correlation import RequestIds
from gateway.http.exact_match_cache import ExactMatchCacheMiddleware
from gateway.http.replays import ReplayObserver
from gateway.logs.line_handler import installed

STRETCH = 0.1  # seconds


class Alternation:
    """Alternates the observer of one middleware."""

    def __init__(self, middleware: ExactMatchCacheMiddleware, output: TextIO) -> None:
        self._middleware = middleware
        self._observer = middleware.observer
        self._silent = ReplayObserver(SystemClock(), RequestIds())
        self._silent.observed = self._observer.observed  # type: ignore[method-assign]  # its replays are written later
        self._output = output
        self._begin()

    def _begin(self) -> None:
        self._seconds, self._replays = time.process_time(), self._middleware.responses.replays
        asyncio.get_running_loop().call_later(STRETCH, self._end)

    def _end(self) -> None:
        is_observed = self._middleware.observer is self._observer
        if is_observed:
            self._observer.drain()
            if (handler := installed()) is not None:
                handler.flush()
        replays, seconds = self._middleware.responses.replays - self._replays, time.process_time() - self._seconds
        if replays:
            print(int(is_observed), f"{seconds:.6f}", replays, file=self._output, flush=True)
        self._middleware.observer = self._silent if is_observed else self._observer
        self._begin()


def alternate(output: TextIO) -> None:
    """Have the middleware alternate from its first request on."""
    call = ExactMatchCacheMiddleware.__call__
    begun: list[Alternation] = []

    async def answer(self: ExactMatchCacheMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        if not begun:
            begun.append(Alternation(self, output))
        await call(self, scope, receive, send)

    ExactMatchCacheMiddleware.__call__ = answer  # type: ignore[method-assign]


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as file:
        alternate(file)
        sys.exit(main(sys.argv[2:]))

"""Time for tests: it passes as fast as the code under test can follow, and only as far as somebody waits for it.

`VirtualLoop` is an event loop whose time jumps to the next timer when nothing else is ready, so everything that sleeps
by asyncio (stamina, `asyncio.timeout`, our Clock) sleeps in virtual time. A folder's conftest switches it on for its
asyncio tests by a hook:

    def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, LoopFactory]:
        return {"virtual": VirtualLoop}

`VirtualClock` is the Clock port on such a loop; `ManualClock` is one that is moved by hand and needs no loop.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# 2026-03-12T08:35:26Z, when the newest recorded item was taken.
EPOCH = 1_773_304_526.0
# Real seconds that threads and sockets are given before a loop on which nothing is scheduled counts as stuck.
PATIENCE = 5.0
# Real seconds that a busy thread is waited for before time jumps on without it.
THREAD_PATIENCE = 0.02


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code that waits for timers alone: a socket would find its timeouts over before its peer could answer."""

    def __init__(self) -> None:
        self._selector_of_time = _JumpingSelector()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.now

    # Its types are variadic, and of no interest here.
    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """While a thread is busy, time waits for it a moment, or all that recurs would happen a hundred times over."""
        running = super().run_in_executor(executor, func, *args)
        self._selector_of_time.busy += 1
        running.add_done_callback(self._thread_ended)
        return running

    def _thread_ended(self, _: object) -> None:
        self._selector_of_time.busy -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (asyncio's)
        """Without the limit that `asyncio.Runner` sets since Python 3.12: threads work in real time."""
        await super().shutdown_default_executor()


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self) -> None:
        self.now = 0.0
        self.busy = 0
        self.patience = THREAD_PATIENCE
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if ready := self._inner.select(PATIENCE):
                return ready
            raise RuntimeError("everything waits, and no timer is set: the test would hang")
        ready = self._inner.select(self.patience if self.busy and timeout > 0 else 0)
        if not ready:
            self.now += max(0.0, timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()


class VirtualClock:
    """The time of the running VirtualLoop; wall-clock time begins at `epoch`, Unix seconds."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> float:
        return self._epoch + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until `advance`; whoever sleeps moves it."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self._epoch = epoch
        self._passed = 0.0

    def advance(self, seconds: float) -> None:
        self._passed += seconds

    def now(self) -> float:
        return self._epoch + self._passed

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

"""Samplers: values that no event tells are read from time to time, in tasks and threads, never by a scrape.

A scrape of several workers reads what each of them has written last, so a scrape of one does the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from gateway.clock import Clock
from gateway.metrics import families
from gateway.metrics.instruments import Instruments

LAG_SECONDS = 0.1  # a task as often as this finds a loop that is blocked for longer nearly always
# Between two samples of a pause, in the memory of the process; and of the disk, the store of the flows, the ledger.
SOON, LATER = 1.0, 5.0
# Pauses between two samples: more are not recorded. With the thresholds of `serve` there are a few each second.
MOST_PAUSES = 10_000

Sample: TypeAlias = Callable[[], None]
SlowSample: TypeAlias = Callable[[], Awaitable[None]]


async def watch_loop(instruments: Instruments, clock: Clock) -> None:
    """Record for ever by how much the event loop is late."""
    while True:
        due = clock.monotonic() + LAG_SECONDS
        await clock.sleep(LAG_SECONDS)
        instruments.observe(families.LOOP_LAG, max(0.0, clock.monotonic() - due))


async def sample(samples: Sequence[Sample], clock: Clock) -> None:
    """Take the samples for ever, at once and every SOON seconds."""
    while True:
        for take in samples:
            take()
        await clock.sleep(SOON)


async def sample_slowly(samples: Sequence[SlowSample], clock: Clock) -> None:
    """Take the samples that wait for something for ever. One that fails leaves what it has read before."""
    while True:
        for take in samples:
            with contextlib.suppress(Exception):  # a store that is away has a metric of its own
                await take()
        await clock.sleep(LATER)


class PauseRecorder:
    """The pauses for garbage collection. A collection may begin in any thread, inside any lock: `take` records them."""

    def __init__(self, instruments: Instruments, clock: Clock) -> None:
        self._instruments = instruments
        self._clock = clock
        self._began = 0.0
        self._pauses: deque[tuple[str, float]] = deque(maxlen=MOST_PAUSES)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        gc.callbacks.append(self._note)
        try:
            yield
        finally:
            gc.callbacks.remove(self._note)

    def take(self) -> None:
        """Record the pauses since the last sample."""
        while self._pauses:
            generation, seconds = self._pauses.popleft()
            self._instruments.observe(families.GC_PAUSE, seconds, generation)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = self._clock.monotonic()
        else:
            self._pauses.append((str(info["generation"]), self._clock.monotonic() - self._began))


async def sample_disk(instruments: Instruments, directory: Path) -> None:
    """Record the free space for the data directory, which may be on a network and not answer at once."""
    usage = await asyncio.to_thread(shutil.disk_usage, directory)
    instruments.set(families.DISK_FREE, usage.free)
    instruments.set(families.DISK_SIZE, usage.total)

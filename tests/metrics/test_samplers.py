"""Samplers: what no event tells."""

from __future__ import annotations

import asyncio
import gc

import pytest

from gateway.clock import SystemClock
from gateway.metrics import families, samplers
from gateway.metrics.instruments import Instruments
from tests.fakes.clock import ManualClock


class LateClock(SystemClock):
    """Each sleep ends half a second late, as it does while something else holds the event loop."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds + 0.5
        await asyncio.sleep(0)


def of(instruments: Instruments, sample: str, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(families.PREFIX + sample, labels)


async def test_a_loop_that_is_held_is_late() -> None:
    instruments = Instruments()
    watch = asyncio.create_task(samplers.watch_loop(instruments, LateClock()))
    while of(instruments, "event_loop_lag_seconds_count") != 3:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0)
    watch.cancel()
    assert of(instruments, "event_loop_lag_seconds_sum") == pytest.approx(1.5)
    assert of(instruments, "event_loop_lag_seconds_bucket", le="0.25") == 0
    assert of(instruments, "event_loop_lag_seconds_bucket", le="0.5") == 3


def test_a_pause_for_collection_is_recorded_by_its_generation_when_it_is_sampled() -> None:
    """Not during the collection, which may interrupt whoever holds a lock of the instruments."""
    instruments, clock = Instruments(), ManualClock()
    pauses = samplers.PauseRecorder(instruments, clock)
    with pauses.installed():
        gc.collect(1)
    gc.collect(1)
    assert of(instruments, "gc_pause_seconds_count", generation="1") is None
    pauses.take()
    assert of(instruments, "gc_pause_seconds_count", generation="1") == 1

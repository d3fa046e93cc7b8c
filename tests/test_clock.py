"""The Clock port: one contract for the machine's clock and for both fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.clock import Clock, SystemClock
from tests.fakes.clock import ManualClock, VirtualClock, VirtualLoop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Pair = tuple[Clock, LoopFactory]

CLOCKS: list[tuple[Callable[[], Clock], LoopFactory]] = [
    (SystemClock, asyncio.new_event_loop),
    (ManualClock, asyncio.new_event_loop),
    (VirtualClock, VirtualLoop),
]
EARLIEST = 1_700_000_000  # no clock that is right can be before this test was written
BRIEFLY = 0.02


@pytest.fixture(params=CLOCKS, ids=lambda pair: pair[0].__name__)
def pair(request: pytest.FixtureRequest) -> Pair:
    make, loop = request.param
    return make(), loop


def run(pair: Pair, work: Callable[[Clock], Awaitable[None]]) -> None:
    async def main() -> None:
        await work(pair[0])

    with asyncio.Runner(loop_factory=pair[1]) as runner:
        runner.run(main())


def test_a_sleep_lasts_as_long_as_it_says_by_either_reading(
    pair: Pair,
) -> None:
    async def work(clock: Clock) -> None:
        monotonic, now = clock.monotonic(), clock.now()
        await clock.sleep(BRIEFLY)
        assert clock.monotonic() - monotonic >= BRIEFLY * 0.99
        assert clock.now() - now >= BRIEFLY * 0.9  # the machine's may be slewed

    run(pair, work)


def test_time_is_unix_time_and_never_goes_backwards(
    pair: Pair,
) -> None:
    async def work(clock: Clock) -> None:
        readings = [(clock.monotonic(), clock.now()) for _ in range(100)]
        assert readings == sorted(readings)
        assert readings[0][1] > EARLIEST

    run(pair, work)


def test_others_run_while_one_sleeps(pair: Pair) -> None:
    async def work(clock: Clock) -> None:
        ran = list[str]()

        async def other() -> None:
            ran.append("other")

        task = asyncio.create_task(other())
        await clock.sleep(BRIEFLY)
        assert ran == ["other"]
        await task

    run(pair, work)

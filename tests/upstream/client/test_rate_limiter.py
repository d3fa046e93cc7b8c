"""The rate: a line, not a refusal."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.client.rate_limiter import RateLimiter
from tests.fakes.clock import VirtualClock, VirtualLoop


async def stamp(limiter: RateLimiter, times: list[float]) -> None:
    await limiter.acquire()
    times.append(VirtualClock().monotonic())


async def test_a_second_s_worth_goes_at_once_then_one_after_the_other() -> None:
    limiter, times = RateLimiter(4, VirtualClock()), list[float]()
    await asyncio.gather(*(stamp(limiter, times) for _ in range(8)))
    assert times == pytest.approx([0, 0, 0, 0, 0.25, 0.5, 0.75, 1])


async def test_who_came_first_goes_first() -> None:
    limiter, order = RateLimiter(10, VirtualClock()), list[int]()

    async def come(number: int) -> None:
        await asyncio.sleep(number / 1_000)
        await limiter.acquire()
        order.append(number)

    await asyncio.gather(*(come(number) for number in reversed(range(40))))
    assert order == list(range(40))


async def test_a_cancelled_waiter_takes_no_token_and_holds_nobody_up() -> None:
    limiter, times = RateLimiter(1, VirtualClock()), list[float]()
    tasks = [asyncio.create_task(stamp(limiter, times)) for _ in range(6)]
    await asyncio.sleep(0.5)
    for task in tasks[1:5]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert times == pytest.approx([0, 1])


async def test_a_new_rate_holds_for_those_who_wait_already() -> None:
    limiter, times = RateLimiter(1, VirtualClock()), list[float]()
    waiting = asyncio.gather(*(stamp(limiter, times) for _ in range(6)))
    await asyncio.sleep(0.5)
    limiter.change(10)
    await waiting
    assert limiter.rate == 10
    assert times[1] <= 1 + 1e-6
    assert times[-1] <= 1.5 + 1e-6


async def test_a_lower_rate_takes_back_what_was_saved_up() -> None:
    limiter, times = RateLimiter(15, VirtualClock()), list[float]()
    limiter.change(1)
    await asyncio.gather(*(stamp(limiter, times) for _ in range(3)))
    assert times == pytest.approx([0, 1, 2])


async def test_a_pause_stops_the_line_and_pauses_do_not_add_up() -> None:
    limiter, times = RateLimiter(10, VirtualClock()), list[float]()
    for _ in range(5):
        limiter.pause(2)
    await asyncio.gather(*(stamp(limiter, times) for _ in range(3)))
    assert times == pytest.approx([2, 2.1, 2.2])


async def test_a_rate_below_one_a_second_still_passes_single_requests() -> None:
    limiter, times = RateLimiter(0.25, VirtualClock()), list[float]()
    await asyncio.gather(*(stamp(limiter, times) for _ in range(3)))
    assert times == pytest.approx([0, 4, 8])


@given(
    rate=st.floats(0.1, 50),
    arrivals=st.lists(st.floats(0, 20), min_size=1, max_size=60),
    quitters=st.sets(st.integers(0, 59)),
)
def test_no_stretch_of_time_sees_more_than_the_rate_and_its_burst(
    rate: float, arrivals: list[float], quitters: set[int]
) -> None:
    """Over any stretch of t seconds at most burst + rate * t, whoever gives up while waiting."""

    async def run() -> list[float]:
        limiter, times = RateLimiter(rate, VirtualClock()), list[float]()

        async def come(number: int, when: float) -> None:
            await asyncio.sleep(when)
            patience = 0.3 if number in quitters else None
            try:
                async with asyncio.timeout(patience):
                    await stamp(limiter, times)
            except TimeoutError:
                assert number in quitters

        await asyncio.gather(*(come(number, when) for number, when in enumerate(arrivals)))
        return times

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        times = runner.run(run())
    burst = max(1.0, rate)
    for first, began in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + rate * (times[last] - began) + 1e-3
    assert len(times) >= len(arrivals) - len(quitters)


async def test_nobody_overtakes_the_line_in_the_moment_it_moves_up() -> None:
    limiter, order = RateLimiter(10, VirtualClock()), list[str]()

    async def wait(name: str) -> None:
        await limiter.acquire()
        order.append(name)
        if name == "first":  # the others have not been told yet that the line is free
            order.append("newcomer" if limiter.take() else "refused")

    for _ in range(10):
        assert limiter.take()
    assert not limiter.take()
    waiting = asyncio.gather(*(wait(name) for name in ("first", "second", "third")))
    await asyncio.sleep(0)
    limiter.change(1_000)
    await waiting
    assert order == ["first", "refused", "second", "third"]
    await asyncio.sleep(1)
    assert limiter.take()

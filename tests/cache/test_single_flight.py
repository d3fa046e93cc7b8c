"""One call in flight per key."""

from __future__ import annotations

import asyncio

import pytest

from gateway.single_flight import SingleFlight

Calls = SingleFlight[str, int]


async def land(calls: list[str], answer: int, seconds: float = 1) -> int:
    calls.append("made")
    await asyncio.sleep(seconds)
    calls.append("landed")
    return answer


async def test_all_who_wait_get_the_answer_of_one_call() -> None:
    flights, calls = Calls(), list[str]()
    flights.start("key", land(calls, 7))
    assert "key" in flights
    assert await asyncio.gather(*(flights.join("key") for _ in range(50))) == [7] * 50
    assert calls == ["made", "landed"]


async def test_a_flight_that_landed_is_over() -> None:
    """The next one who asks looks into the cache, or starts anew: a flight is no cache."""
    flights, calls = Calls(), list[str]()
    flights.start("key", land(calls, 7))
    await flights.join("key")
    await asyncio.sleep(0)
    assert ("key" in flights, len(flights)) == (False, 0)
    flights.start("key", land(calls, 8))
    assert await flights.join("key") == 8


async def test_who_started_it_may_be_cancelled_and_it_lands_for_the_others() -> None:
    flights, calls = Calls(), list[str]()

    async def lead() -> int:
        flights.start("key", land(calls, 7))
        return await flights.join("key")

    async def follow() -> int:
        return await flights.join("key")

    leader = asyncio.create_task(lead())
    await asyncio.sleep(0.1)
    followers = [asyncio.create_task(follow()) for _ in range(49)]
    await asyncio.sleep(0.1)
    for waiter in (leader, *followers[:24]):
        waiter.cancel()
    answers = await asyncio.gather(leader, *followers, return_exceptions=True)
    assert [type(answer) for answer in answers[:25]] == [asyncio.CancelledError] * 25
    assert answers[25:] == [7] * 25
    assert calls == ["made", "landed"]


async def test_it_lands_though_nobody_waits_any_more() -> None:
    flights, calls = Calls(), list[str]()
    flights.start("key", land(calls, 7))
    waiter = asyncio.ensure_future(flights.join("key"))
    waiter.cancel()
    await asyncio.sleep(2)
    assert calls == ["made", "landed"]


async def test_a_failure_reaches_all_who_wait_and_nobody_after_them() -> None:
    async def crash() -> int:
        await asyncio.sleep(1)
        raise ValueError("a bug")

    flights = Calls()
    flights.start("key", crash())
    failures = await asyncio.gather(*(flights.join("key") for _ in range(3)), return_exceptions=True)
    assert [repr(failure) for failure in failures] == ["ValueError('a bug')"] * 3
    assert "key" not in flights


async def test_a_failure_that_nobody_waited_for_is_no_warning() -> None:
    async def crash() -> int:
        raise ValueError("a bug")

    flights = Calls()
    complaints = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    flights.start("key", crash())
    await asyncio.sleep(1)
    assert len(flights) == 0
    assert complaints == []


async def test_a_drain_waits_for_what_is_in_flight() -> None:
    flights, calls = Calls(), list[str]()
    flights.start("a", land(calls, 1, seconds=1))
    flights.start("b", land(calls, 2, seconds=2))
    await flights.drain(10)
    assert calls.count("landed") == 2
    assert len(flights) == 0
    assert asyncio.get_running_loop().time() == pytest.approx(2)


async def test_a_drain_ends_in_time_and_what_is_late_can_still_settle() -> None:
    flights, settled = Calls(), list[str]()

    async def hang() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            settled.append("settled")
        return 0

    flights.start("key", hang())
    await flights.drain(1.5)
    assert settled == ["settled"]
    assert asyncio.get_running_loop().time() == pytest.approx(1.5)
    assert len(flights) == 0


async def test_to_drain_nothing_takes_no_time() -> None:
    await Calls().drain(5)
    assert asyncio.get_running_loop().time() == 0

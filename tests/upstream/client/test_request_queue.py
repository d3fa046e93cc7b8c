"""The queue in front of an upstream: a line for each client, and a turn for each line."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.queue_place import QueueClient, QueuePlace
from gateway.upstream.client.request_queue import RequestQueue
from gateway.upstream.client.token_bucket import TokenBucket
from tests.fakes.clock import VirtualClock, VirtualLoop
from tests.profiles import examples

A, B, HEAVY = QueueClient("a"), QueueClient("b"), QueueClient("heavy", 3.0)
LONG = 10_000.0


@dataclass
class Line:
    """A queue, and the requests that it let pass: their clients or names, and when."""

    rate: float
    concurrency: int = 64
    patience: float = LONG
    order: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bucket = TokenBucket(self.rate, VirtualClock())
        self.queue = RequestQueue(self.bucket, self.concurrency, VirtualClock(), patience=self.patience)

    async def pass_by(
        self, client: QueueClient = A, name: str | None = None, seconds: float = 0, place: QueuePlace | None = None
    ) -> None:
        """Wait for a turn, and keep it for so many seconds."""
        if not self.queue.take():
            await self.queue.wait(place or QueuePlace(client), self.patience)
        self.order.append(name or client.id)
        self.times.append(VirtualClock().monotonic())
        await asyncio.sleep(seconds)
        self.queue.release()

    def spent(self) -> None:
        """Spend the burst, so that the next one waits."""
        while self.queue.take():
            self.queue.release()


async def test_a_second_s_worth_goes_at_once_then_one_after_the_other() -> None:
    line = Line(4)
    await asyncio.gather(*(line.pass_by() for _ in range(8)))
    assert line.times == pytest.approx([0, 0, 0, 0, 0.25, 0.5, 0.75, 1])


async def test_who_came_first_goes_first() -> None:
    line = Line(10)

    async def come(number: int) -> None:
        await asyncio.sleep(number / 1_000)
        await line.pass_by(name=str(number))

    await asyncio.gather(*(come(number) for number in reversed(range(40))))
    assert line.order == [str(number) for number in range(40)]


async def test_a_light_client_waits_for_one_request_of_the_flood() -> None:
    line = Line(15)
    flood = asyncio.gather(*(line.pass_by(A) for _ in range(900)))
    await asyncio.sleep(10.01)
    began = VirtualClock().monotonic()
    await line.pass_by(B)
    assert VirtualClock().monotonic() - began <= 1 / 15 + 1e-6
    await flood
    assert line.times[-1] == pytest.approx((901 - 15) / 15)  # nobody left a token unused


async def test_the_weights_are_the_shares() -> None:
    line = Line(10)
    line.spent()
    await asyncio.gather(*(line.pass_by(client) for client in (A, HEAVY) for _ in range(60)))
    assert Counter(line.order[:80]) == {"a": 20, "heavy": 60}


async def test_a_cancelled_waiter_takes_no_token_and_holds_nobody_up() -> None:
    line = Line(1)
    tasks = [asyncio.create_task(line.pass_by()) for _ in range(6)]
    await asyncio.sleep(0.5)
    for task in tasks[1:5]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert line.times == pytest.approx([0, 1])


async def test_a_turn_that_is_cancelled_as_it_comes_goes_to_the_next() -> None:
    """The token is granted before its task runs again, and the cancellation finds it there."""
    line = Line(1, concurrency=1)
    line.spent()
    first, second = (asyncio.create_task(line.pass_by(name=name)) for name in ("first", "second"))
    await asyncio.sleep(0.5)

    async def cancel() -> None:
        await asyncio.sleep(0.5)
        while len(line.queue) > 1:  # noqa: ASYNC110 (the very turn of the loop in which it is granted)
            await asyncio.sleep(0)
        first.cancel()

    await asyncio.gather(cancel(), first, second, return_exceptions=True)
    assert line.order == ["second"]
    assert line.times == pytest.approx([1])


async def test_who_waits_too_long_gives_up_and_leaves_nothing_behind() -> None:
    line = Line(1, patience=2.5)
    line.spent()
    waiting = [line.pass_by(client) for client in (A, A, A, B)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), TimeoutError, TimeoutError, type(None)]
    assert len(line.queue) == 0
    assert len(asyncio.all_tasks()) == 1  # no timer is left


@pytest.mark.parametrize("patience", [0.999_999, 1.0, 1.000_001])
async def test_many_give_up_in_the_turn_in_which_a_token_comes(patience: float) -> None:
    """Some of them are cancelled, and their tasks have not run since."""
    line = Line(1, patience=patience)
    line.spent()
    tasks = [asyncio.create_task(line.pass_by(client, name="late")) for client in (A, A, B, B, HEAVY)]
    await asyncio.sleep(0)
    line.patience = LONG
    await line.pass_by(name="patient")
    results = await asyncio.gather(*tasks, return_exceptions=True)
    passed = [result for result in results if result is None]
    assert [type(result) for result in results if result is not None] == [TimeoutError] * (5 - len(passed))
    assert line.order == ["late"] * len(passed) + ["patient"]
    assert line.times == pytest.approx([1.0 + number for number in range(len(passed) + 1)], abs=1e-5)
    assert len(line.queue) == 0


async def test_a_new_rate_holds_for_those_who_wait_already() -> None:
    line = Line(1)
    waiting = asyncio.gather(*(line.pass_by() for _ in range(6)))
    await asyncio.sleep(0.5)
    line.bucket.change(10)
    await waiting
    assert line.times[1] <= 1 + 1e-6
    assert line.times[-1] <= 1.5 + 1e-6


async def test_a_pause_stops_the_line() -> None:
    line = Line(10)
    line.bucket.pause(2)
    waiting = asyncio.gather(*(line.pass_by() for _ in range(3)))
    await asyncio.sleep(1)
    line.bucket.pause(2)
    await waiting
    assert line.times == pytest.approx([3, 3.1, 3.2])


async def test_a_rate_below_one_a_second_still_passes_single_requests() -> None:
    line = Line(0.25)
    await asyncio.gather(*(line.pass_by() for _ in range(3)))
    assert line.times == pytest.approx([0, 4, 8])


async def test_a_busy_slot_is_waited_for_and_no_tokens_are_saved_up_meanwhile() -> None:
    line = Line(10, concurrency=2)
    await asyncio.gather(*(line.pass_by(client, seconds=5) for client in (A, A, A, A, B)))
    assert line.order == ["a", "a", "a", "b", "a"]
    assert line.times == pytest.approx([0, 0, 5, 5, 10])


async def test_nobody_overtakes_the_line() -> None:
    line = Line(10)
    line.spent()
    waiting = asyncio.gather(*(line.pass_by() for _ in range(3)))
    await asyncio.sleep(0)
    line.bucket.change(1_000)
    assert not line.queue.take()
    await waiting
    await asyncio.sleep(1)
    assert line.queue.take()


async def test_a_call_that_another_client_joins_has_the_place_of_the_better_one() -> None:
    line, place = Line(1), QueuePlace(A)
    line.spent()
    others = [asyncio.create_task(line.pass_by(A)) for _ in range(20)]
    shared = asyncio.create_task(line.pass_by(A, "shared", place=place))
    await asyncio.sleep(4.5)
    place.join(B)
    place.join(B)
    place.leave(B)
    await shared
    assert line.order == [*"aaaa", "shared"]
    await asyncio.gather(*others)


async def test_a_call_that_the_other_client_leaves_has_its_old_place() -> None:
    line, place = Line(1), QueuePlace(A)
    line.spent()
    others = [asyncio.create_task(line.pass_by(A)) for _ in range(9)]
    shared = asyncio.create_task(line.pass_by(A, "shared", place=place))
    await asyncio.sleep(4.5)
    place.join(B)
    place.leave(B)
    await asyncio.gather(*others, shared)
    assert line.order == [*"aaaaaaaaa", "shared"]


async def test_a_call_whose_first_client_leaves_has_the_place_of_the_other() -> None:
    line, place = Line(1), QueuePlace(A)
    line.spent()
    others = asyncio.gather(*(line.pass_by(B) for _ in range(5)))
    shared = asyncio.create_task(line.pass_by(name="shared", place=place))
    await asyncio.sleep(0)
    place.join(B)
    place.leave(A)
    place.leave(B)  # the last one keeps the place: nobody has withdrawn it
    await asyncio.gather(shared, others)
    assert line.order == [*"bbbbb", "shared"]


async def test_a_call_that_is_withdrawn_takes_no_token() -> None:
    line, place = Line(1), QueuePlace(A)
    assert not place.withdraw()  # it is not queued
    line.spent()
    shared = asyncio.create_task(line.pass_by(place=place))
    last = asyncio.create_task(line.pass_by(B))
    await asyncio.sleep(0.5)
    assert place.withdraw()
    assert not place.withdraw()
    with pytest.raises(TimeoutError):
        await shared
    await last
    assert line.order == ["b"]
    assert line.times == pytest.approx([1])
    assert not place.withdraw()


@examples(500)
@given(
    rate=st.floats(0.1, 50),
    concurrency=st.integers(1, 5),
    arrivals=st.lists(st.tuples(st.floats(0, 20), st.sampled_from([A, B, HEAVY])), min_size=1, max_size=60),
    quitters=st.sets(st.integers(0, 59)),
    seconds=st.sampled_from([0.0, 0.3]),
)
def test_no_stretch_of_time_sees_more_than_the_rate_and_its_burst_nor_a_token_unused(
    rate: float,
    concurrency: int,
    arrivals: list[tuple[float, QueueClient]],
    quitters: set[int],
    seconds: float,
) -> None:
    """Over any stretch of t seconds at most burst + rate * t, whoever gives up while waiting.

    While requests wait, the bucket is empty, or all slots are busy.
    """

    async def run() -> list[float]:
        line = Line(rate, concurrency)
        busy = 0

        async def come(number: int, when: float, client: QueueClient) -> None:
            nonlocal busy
            await asyncio.sleep(when)
            try:
                async with asyncio.timeout(0.3 if number in quitters else None):
                    if not line.queue.take():
                        await line.queue.wait(QueuePlace(client), LONG)
            except TimeoutError:
                assert number in quitters
                return
            busy += 1
            assert busy <= concurrency
            line.times.append(VirtualClock().monotonic())
            try:
                await asyncio.sleep(seconds)
            finally:
                busy -= 1
                line.queue.release()

        async def look() -> None:
            while True:
                await asyncio.sleep(0.7)
                for _ in range(3):  # who was granted a turn has it by then
                    await asyncio.sleep(0)
                assert not len(line.queue) or busy == concurrency or line.bucket.wait() > 0

        looking = asyncio.create_task(look())
        await asyncio.gather(*(come(number, when, client) for number, (when, client) in enumerate(arrivals)))
        assert not looking.done()
        looking.cancel()
        assert len(line.queue) == busy == 0
        return line.times

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        times = runner.run(run())
    burst = max(1.0, rate)
    for first, began in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + rate * (times[last] - began) + 1e-3
    assert len(times) >= len(arrivals) - len(quitters)

"""A request whose turn would come too late is refused when it comes, and learns when it would be in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.queue_place import QueueClient, QueuePlace
from gateway.upstream.client.request_queue import HopelessWait, RequestQueue
from gateway.upstream.client.token_bucket import TokenBucket
from tests.fakes.clock import VirtualClock, VirtualLoop
from tests.profiles import examples

A, B, HEAVY = QueueClient("a"), QueueClient("b"), QueueClient("heavy", 3.0)
PATIENCE = 10.5


async def settled() -> None:
    """Return when all that were started by now are queued."""
    for _ in range(5):
        await asyncio.sleep(0)


def now() -> float:
    return VirtualClock().monotonic()


@dataclass
class Line:
    """A queue whose burst is spent, with what became of each request."""

    rate: float = 1.0
    sent: list[str] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: int = 0

    def __post_init__(self) -> None:
        self.bucket = TokenBucket(self.rate, VirtualClock())
        self.queue = RequestQueue(self.bucket, 64, VirtualClock(), patience=PATIENCE)
        while self.queue.take():
            self.queue.release()

    async def pass_by(
        self, client: QueueClient, *, patience: float = PATIENCE, place: QueuePlace | None = None
    ) -> None:
        place = place or QueuePlace(client)
        if not self.queue.take():
            try:
                self.queue.check(place, patience)
                await self.queue.wait(place, patience)
            except HopelessWait as hopeless:
                self.refused.append(hopeless.retry_after)
                raise
            except TimeoutError:
                self.late += 1
                raise
        self.sent.append(client.id)
        self.queue.release()

    async def all_pass(self, *clients: QueueClient) -> None:
        await asyncio.gather(*(self.pass_by(client) for client in clients), return_exceptions=True)


async def test_it_is_refused_at_once_and_none_that_would_be_in_time() -> None:
    line = Line()
    await line.all_pass(*[A] * 14)
    assert len(line.sent) == 10
    assert line.late == 0
    assert now() == pytest.approx(10)


async def test_the_last_that_is_queued_is_not_late_by_a_turn_of_the_event_loop() -> None:
    line = Line(rate=2.0)  # the turn of one comes just when its time is over
    await line.all_pass(*[A] * 30)
    assert (len(line.sent), line.late) == (20, 0)


async def test_those_that_are_refused_together_return_one_after_the_other() -> None:
    line = Line()
    await line.all_pass(*[A] * 14)
    assert line.refused == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.01)


async def test_another_client_is_not_refused_for_the_flood() -> None:
    line = Line()
    flood = asyncio.gather(line.all_pass(*[A] * 40))
    await settled()
    await line.pass_by(B)
    assert now() <= 2
    await flood
    assert len(line.refused) == 30


async def test_a_flood_beside_another_one_is_refused_by_its_share() -> None:
    line = Line()
    await line.all_pass(*[A] * 10, *[HEAVY] * 20)
    queued = 30 - len(line.refused) - 10
    assert queued == 7  # three of four turns are its own, of the ten that are in time
    assert [later - line.refused[0] for later in line.refused[1:3]] == pytest.approx([4 / 3, 8 / 3], abs=0.01)


async def test_a_call_of_several_clients_is_refused_only_if_it_is_late_for_all_of_them() -> None:
    line = Line()
    flood = asyncio.gather(line.all_pass(*[A] * 10))
    await settled()
    with pytest.raises(HopelessWait):
        await line.pass_by(A)
    await line.pass_by(B, place=QueuePlace(A, B))
    await flood


async def test_a_pause_counts_as_a_wait() -> None:
    line = Line()
    line.bucket.pause(12)
    with pytest.raises(HopelessWait) as refusal:
        await line.pass_by(A)
    assert refusal.value.retry_after == pytest.approx(1.5, abs=0.01)
    await asyncio.sleep(1.51)
    await line.pass_by(A)


async def test_one_that_has_little_time_left_is_refused_and_a_new_one_need_not_wait() -> None:
    line = Line()
    flood = asyncio.gather(line.all_pass(*[A] * 5))
    await settled()
    with pytest.raises(HopelessWait) as refusal:
        await line.pass_by(A, patience=3)
    assert refusal.value.retry_after == 0
    with pytest.raises(TimeoutError):
        await line.pass_by(A, patience=0)
    await line.pass_by(A)
    await flood


async def test_what_was_promised_is_forgotten_with_the_queue() -> None:
    line = Line()
    await line.all_pass(*[A] * 40)
    assert max(line.refused) > 2 * PATIENCE
    line.refused.clear()
    await line.all_pass(*[A] * 12)
    assert line.refused == pytest.approx([0.5, 1.5], abs=0.01)


OTHERS = st.lists(st.tuples(st.sampled_from([B, HEAVY]), st.integers(1, 150)), max_size=4)


@examples(500)
@given(rate=st.floats(0.5, 30), others=OTHERS, number=st.integers(1, 400), returns=st.integers(0, 399))
def test_a_client_that_returns_when_it_was_told_is_queued(
    rate: float, others: list[tuple[QueueClient, int]], number: int, returns: int
) -> None:
    """All that were refused return, or the last ones of them do not; nobody else comes."""

    async def run() -> None:
        line = Line(rate)
        waiting = [asyncio.create_task(line.pass_by(client)) for client, count in others for _ in range(count)]
        waiting += [asyncio.create_task(line.pass_by(A)) for _ in range(number)]
        await settled()
        own = sum(task.done() and task.exception() is not None for task in waiting[-number:])
        refused, line.refused = line.refused[len(line.refused) - own :][:returns], []
        began = now()
        for seconds in sorted(refused):
            await asyncio.sleep(max(0.0, began + seconds + 0.01 - now()))
            waiting.append(asyncio.create_task(line.pass_by(A)))
        await settled()
        assert line.refused == []
        await asyncio.gather(*waiting, return_exceptions=True)
        assert len(line.queue) == 0

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


@examples(1_000)
@given(
    rate=st.floats(0.5, 30),
    queued=st.lists(st.sampled_from([A, B, HEAVY]), max_size=120),
    client=st.sampled_from([A, B, HEAVY]),
)
def test_what_is_refused_would_have_been_late(rate: float, queued: list[QueueClient], client: QueueClient) -> None:
    """In a queue that does not look ahead, the same request after the same others is not sent in time."""

    async def run() -> None:
        line, began = Line(rate), now()
        others = [asyncio.create_task(line.queue.wait(QueuePlace(one), 1e9)) for one in queued]
        for other in others:
            other.add_done_callback(lambda _: line.queue.release())
        await settled()
        place, is_refused = QueuePlace(client), False
        try:
            line.queue.check(place, PATIENCE)
        except HopelessWait:
            is_refused = True
        await line.queue.wait(place, 1e9)
        waited = now() - began
        assert waited > PATIENCE - 0.002 if is_refused else waited <= PATIENCE + 3 / rate + 1e-3
        await asyncio.gather(*others)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())

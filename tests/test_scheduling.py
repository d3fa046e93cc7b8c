"""The event loop's time goes out in slices, and whoever has had little of it does not wait for all of the others."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gateway import scheduling
from gateway.scheduling import ORDER, REST, SLICE, FairScheduler, Rank, TimeShare


class Turns:
    """Notes in which turn of the event loop something is done."""

    def __init__(self) -> None:
        self.turn = 0
        self.done: list[tuple[str, int]] = []

    async def count(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    async def work(self, name: str, share: TimeShare, *pieces: int) -> None:
        for piece in pieces:
            await share.take(piece)
            self.done.append((name, self.turn))

    @property
    def names(self) -> str:
        return "".join(name for name, _ in self.done)


async def noted(**pieces: list[int]) -> Turns:
    """All that each does, begun at once."""
    turns, time = Turns(), FairScheduler()
    counting = asyncio.create_task(turns.count())
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for name, each in pieces.items():
            group.create_task(turns.work(name, time.share(), *each))
    counting.cancel()
    return turns


async def test_what_is_long_is_followed_by_turns_of_others() -> None:
    turns = await noted(a=[SLICE], b=[5 * SLICE], c=[SLICE])
    (_, a), (_, b), (_, c) = turns.done
    assert b - a >= REST - 1
    assert c - b >= REST - 1


async def test_what_is_short_is_done_at_once_as_long_as_the_slice_lasts() -> None:
    turns = await noted(a=[SLICE // 2], b=[SLICE // 2], c=[1])
    (_, a), (_, b), (_, c) = turns.done
    assert a == b
    assert c - b >= REST - 1


async def test_steps_of_one_are_followed_by_turns_of_others() -> None:
    turns = await noted(a=[SLICE] * 3)
    (_, first), (_, second), (_, third) = turns.done
    assert min(second - first, third - second) >= REST - 1


async def test_who_has_had_little_goes_first_every_other_time() -> None:
    turns = await noted(a=[SLICE] * 10, b=[SLICE] * 10, c=[SLICE] * 10, x=[SLICE // 10] * 5)
    assert turns.names.rindex("x") < len(turns.names) // 2
    assert set(turns.names[-5:]) == {"a", "b", "c"}


async def test_who_has_had_much_does_not_wait_for_all_newcomers() -> None:
    newcomers = {chr(ord("b") + at): [SLICE] for at in range(10)}
    turns = await noted(a=[SLICE] * 3, **newcomers)
    assert turns.names.rindex("a") < 7


async def test_what_a_whole_slice_is_taken_for_is_counted_as_what_it_is() -> None:
    time = FairScheduler()
    share, other = time.share(), time.share()
    await share.take(1, alone=True)
    waiting = asyncio.create_task(other.take(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting


async def test_who_has_gone_is_not_waited_for() -> None:
    time = FairScheduler()
    await time.share().take(SLICE)
    gone, waiting = [asyncio.create_task(time.share().take(SLICE)) for _ in range(2)]
    await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    turns = 0
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns <= REST + 2


async def test_what_was_read_goes_on_before_more_is_read() -> None:
    """What was read takes memory until it is answered."""
    time, read, most = FairScheduler(), 0, 0

    async def answer() -> None:
        nonlocal read, most
        await time.take(SLICE, Rank.UNREAD)
        read += 1
        most = max(most, read)
        share = time.share()
        for _ in range(ORDER - 1):
            await share.take(SLICE)
        read -= 1

    await asyncio.gather(*(answer() for _ in range(20)))
    assert most <= 2


async def test_a_callback_that_raises_costs_itself_alone() -> None:
    done: list[int] = []
    loop, turns = asyncio.get_running_loop(), scheduling.Turns()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail() -> None:
        raise ValueError

    for at in range(3):
        turns.take(fail if at == 1 else lambda at=at: done.append(at), loop)  # type: ignore[misc]
    for _ in range(5):
        await asyncio.sleep(0)
    assert (done, len(told)) == ([0, 2], 1)

"""The replays that are noted, and evaluated together."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.correlation import RequestIds
from gateway.http.replays import MOST_NOTED, ReplayObserver
from gateway.operation_events import AnswerSource, OperationCompleted, Replay, Transport
from tests.fakes.clock import ManualClock

OPERATION = OperationCompleted("", "web", Transport.HTTP, AnswerSource.EXACT_MATCH)


class Log:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def ending(self, event: OperationCompleted) -> bytes:
        return b""

    def write(self, replays: Sequence[Replay]) -> None:
        self.written += [request for _, request, *_ in replays]


class Interrupted(ManualClock):
    """A clock that is read by what evaluates the notes, as a collection of garbage that logs does."""

    observer: ReplayObserver | None = None

    def monotonic(self) -> float:
        if self.observer is not None:
            self.observer.evaluate()
        return super().monotonic()


async def test_each_replay_is_written_and_counted_once_whatever_evaluates_the_notes_meanwhile() -> None:
    clock, log, recorded = Interrupted(), Log(), list[int]()
    observer = clock.observer = ReplayObserver(
        clock, RequestIds(), log, lambda event, count, seconds: recorded.append(count)
    )
    count = observer.observed(OPERATION)
    ids = [str(number).encode() for number in range(2 * MOST_NOTED + 1)]
    for each in ids:
        observer.note(count, each, None, 0.0)
    observer.drain()
    assert (log.written, recorded) == (ids, [len(ids)])

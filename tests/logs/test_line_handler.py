"""Records of events, of libraries and of replays as they are written."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.correlation import Correlation, RequestIds, within
from gateway.events import InternalErrorMasked
from gateway.http.replays import ReplayObserver
from gateway.logs.event_lines import EventMessage, fields_of
from gateway.logs.line_formats import LogFormat
from gateway.logs.line_handler import LineHandler
from gateway.logs.line_writer import MOST_WAITING, of_whole_lines
from gateway.operation_events import AnswerSource, OperationCompleted, ReplayCount, Transport
from tests.fakes.clock import EPOCH, ManualClock

REPLAY = OperationCompleted(
    "", "a client", Transport.HTTP, AnswerSource.EXACT_MATCH, "Tray", "query", "d" * 16, 200, has_data=True
)


@dataclass
class Log:
    """A handler over a pipe."""

    handler: LineHandler
    reader: int

    def record(self, message: object, *arguments: object, name: str = "library", **more: object) -> logging.LogRecord:
        made = logging.LogRecord(name, logging.INFO, __file__, 1, message, arguments, None)
        made.__dict__.update(more)
        return made

    def emit(self, *message: object, **more: object) -> None:
        self.handler.emit(self.record(*message, **more))  # type: ignore[arg-type]

    def text(self) -> str:
        self.handler.flush()
        return os.read(self.reader, 2**20).decode("ascii")


@pytest.fixture(params=LogFormat)
def form(request: pytest.FixtureRequest) -> LogFormat:
    return LogFormat(request.param)


@pytest.fixture
def log(form: LogFormat) -> Iterator[Log]:
    reader, writer = os.pipe()
    yield Log(LineHandler(form, writer), reader)
    os.close(reader)
    os.close(writer)


def test_each_line_has_time_level_process_and_worker(log: Log, form: LogFormat) -> None:
    log.emit("%s is %d", "one", 1, created=EPOCH)
    line = log.text()
    if form is LogFormat.JSON:
        members = json.loads(line)
        assert list(members) == ["time", "level", "pid", "worker", "logger", "message"]
        assert (members["pid"], members["worker"], members["message"]) == (os.getpid(), 0, "one is 1")
    else:
        assert line.startswith("time=20")
        assert f'Z level=INFO pid={os.getpid()} worker=0 logger=library message="one is 1"\n' in line


def test_a_traceback_is_in_the_line(log: Log) -> None:
    try:
        raise ValueError("first\nevent=Forged")
    except ValueError as error:
        event = InternalErrorMasked("abc", error)
        message = EventMessage("InternalErrorMasked", fields_of(event))
        log.emit(message, exc_info=(ValueError, error, error.__traceback__))
    line = log.text()
    assert line.count("\n") == 1
    assert r"first\nevent=Forged" in line


def test_what_happens_in_a_request_has_its_ids(log: Log, form: LogFormat) -> None:
    with within(Correlation("mine", "f" * 32)):
        log.emit("something")
    line = log.text()
    found = json.loads(line) if form is LogFormat.JSON else dict(pair.split("=") for pair in line.split())
    assert (found["request"], found["trace"]) == ("mine", "f" * 32)


def test_an_event_that_names_its_request_names_it_once(log: Log) -> None:
    with within(Correlation("connection", "f" * 32)):
        log.emit(EventMessage("OperationCompleted", fields_of(dataclasses.replace(REPLAY, request="connection.1"))))
    assert log.text().count("connection") == 1


@pytest.mark.parametrize("trace", [None, "f" * 32])
async def test_the_line_of_a_replay_is_that_of_an_operation(log: Log, trace: str | None, form: LogFormat) -> None:
    """It is made in another way, for the time that takes."""
    logging.getLogger("gateway").setLevel(logging.INFO)
    clock = ManualClock()
    log.handler.writer.attach(asyncio.get_running_loop())
    replays = log.handler.replay_lines(clock)
    assert replays is not None
    ended = clock.monotonic()
    replays.write([(ReplayCount(REPLAY, replays.ending(REPLAY)), b"mine-1", trace, ended - 0.000123, ended)])
    event = dataclasses.replace(REPLAY, request="mine-1", trace=trace, seconds=0.000123)
    log.emit(EventMessage("OperationCompleted", fields_of(event)), created=clock.now())
    replayed, logged = log.text().splitlines()
    assert replayed == logged


async def test_each_line_of_several_replays_has_its_own_time_and_duration(log: Log) -> None:
    logging.getLogger("gateway").setLevel(logging.INFO)
    clock = ManualClock(1_780_000_000.0)
    clock.advance(9.0)
    replays = log.handler.replay_lines(clock)
    assert replays is not None
    count = ReplayCount(REPLAY, replays.ending(REPLAY))
    noted = ((7.0, 1e-6), (7.0004, 2e-6), (7.0012, 2e-6), (8.9999, 1.5))
    replays.write([(count, b"r", None, ended - seconds, ended) for ended, seconds in noted])
    lines = log.text().splitlines()
    assert [re.findall(r"T[0-9:]+([.][0-9]+)Z", line) for line in lines] == [[".000"], [".000"], [".001"], [".999"]]
    durations = [re.findall(r'seconds"?[:=]([0-9.]+)', line) for line in lines]
    assert durations == [["0.000001"], ["0.000002"], ["0.000002"], ["1.500000"]]


async def test_lines_of_replays_among_others_are_written_together_and_in_order(log: Log) -> None:
    logging.getLogger("gateway").setLevel(logging.INFO)
    log.handler.writer.attach(asyncio.get_running_loop())
    clock = ManualClock()
    observer = ReplayObserver(clock, RequestIds(), log.handler.replay_lines(clock))
    log.handler.writer.write_earlier = observer.evaluate
    for number in range(50):
        observer.note(observer.observed(REPLAY), f"replay-{number}.".encode(), None, clock.monotonic())
        log.emit("line %d.", number)
    assert len(log.handler.writer.collected) == 100
    observer.note(observer.observed(REPLAY), b"last", None, clock.monotonic())
    assert re.findall(r"(replay|line)[- ]([0-9]+)[.]", log.text()) == [
        (kind, str(number)) for number in range(50) for kind in ("replay", "line")
    ]


async def test_below_its_level_a_replay_has_no_line(log: Log) -> None:
    logger = logging.getLogger("gateway")
    logger.setLevel(logging.WARNING)
    try:
        assert log.handler.replay_lines(ManualClock()) is None
    finally:
        logger.setLevel(logging.NOTSET)


async def test_lines_of_the_loop_are_written_together_and_in_order(log: Log) -> None:
    log.handler.writer.attach(asyncio.get_running_loop())
    for number in range(100):
        log.emit("line %d.", number)
    assert len(log.handler.writer.collected) == 100
    text = log.text()
    places = [text.index(f"line {number}.") for number in range(100)]
    assert places == sorted(places)


def test_who_does_not_read_the_log_stops_nothing_and_is_told_what_is_missing(log: Log) -> None:
    text, lines = "x " * 50_000 + "xxx", MOST_WAITING // 100_000 * 2
    for _ in range(lines):
        log.emit(text)
    told, read, dropped = 0, b"", 0
    while told < lines:
        read += os.read(log.reader, 2**20)
        dropped = sum(map(int, re.findall(rb'LogLinesDropped"?[ ,]"?lines"?[=:]([0-9]+)[^0-9]', read)))
        told = read.count(b'xxx"') + dropped
    assert dropped
    log.emit("the next")
    assert "the next" in log.text()


def test_a_line_that_cannot_be_made_is_told_with_its_source(log: Log) -> None:
    log.emit("%d", "no number", name="library")
    line = log.text()
    assert "LogLineFailed" in line
    assert "TypeError" in line
    assert "no number" not in line


@pytest.mark.parametrize("lengths", [[10], [4_096], [4_097], [2_000] * 5, [10, 9_000, 10, 4_090, 7]])
def test_to_a_pipe_only_whole_lines_are_written_together(lengths: list[int]) -> None:
    lines = [b"x" * (length - 1) + b"\n" for length in lengths]
    parts = list(of_whole_lines(b"".join(lines), 4_096))
    assert b"".join(parts) == b"".join(lines)
    assert all(part.endswith(b"\n") and (len(part) <= 4_096 or part.count(b"\n") == 1) for part in parts)
    assert len(parts) <= len(lines)


def test_writers_of_one_pipe_do_not_mix_their_lines_also_where_it_does_not_block() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    logs = [Log(LineHandler(LogFormat.JSON, writer), reader) for _ in range(2)]
    try:
        for number in range(400):
            for log in logs:
                log.emit(str(number) * 300)
        read, expected = b"", 2 * 400
        while read.count(b"\n") < expected:
            read += os.read(reader, 2**16)
        messages = [json.loads(line)["message"] for line in read.splitlines()]
        assert sorted(messages) == sorted(2 * [str(number) * 300 for number in range(400)])
    finally:
        os.close(reader)
        os.close(writer)


async def test_lines_after_the_end_of_the_loop_are_not_collected(log: Log) -> None:
    log.handler.writer.attach(asyncio.get_running_loop())
    log.emit("before")
    log.handler.end()
    log.emit("after")
    assert not log.handler.writer.collected
    text = log.text()
    assert ("before" in text, "after" in text) == (True, True)

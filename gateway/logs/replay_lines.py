"""The lines of replays: all but time, request id and duration of such a line is made once, with the replay."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import Clock
from gateway.logs.event_lines import fields_of
from gateway.logs.line_formats import DIGITS, LineFormat, Pair, joined, time_text
from gateway.logs.line_writer import LineWriter
from gateway.operation_events import OperationCompleted, Replay

TICK = 0.001  # seconds: the precision of the time in a line
MOST_DURATIONS = 10_000  # of which the text is kept
# Of these a replay has its own.
OWN = frozenset({"request", "seconds", "trace"})


class _Endings(dict[int, bytes]):
    """The end of a line by the microseconds that the replay took."""

    def __init__(self, closing: str) -> None:
        self._closing = closing

    def __missing__(self, microseconds: int) -> bytes:
        if len(self) >= MOST_DURATIONS:
            self.clear()
        ending = self[microseconds] = f"{microseconds / 1e6:.{DIGITS}f}{self._closing}".encode()
        return ending


class ReplayLines:
    """Writes one line for each replay, on the loop that `writer` is attached to."""

    def __init__(self, form: LineFormat, process: Sequence[Pair], writer: LineWriter, clock: Clock) -> None:
        """Begin. `process` are the fields of the process, which each line has."""
        self._form = form
        self._writer = writer
        self._now, self._monotonic = clock.now, clock.monotonic
        self._endings = _Endings(form.closing)
        before, after = form.around("time")
        request, end_of_request = form.around("request")
        names = [("level", "INFO"), *process, ("event", OperationCompleted.__name__)]
        self._opening = form.opening + before
        self._head = after + form.separator + self._joined(names) + form.separator + request
        self._end_of_request = end_of_request

    def ending(self, event: OperationCompleted) -> bytes:
        """Return what a line has after its request id, up to the duration."""
        seconds, _ = self._form.around("seconds", is_number=True)
        fields = self._joined([pair for pair in fields_of(event) if pair[0] not in OWN])
        return f"{self._end_of_request}{self._form.separator}{fields}{self._form.separator}{seconds}".encode()

    def write(self, replays: Sequence[Replay]) -> None:
        """Write the lines of replays, in the order in which they ended."""
        lines = []
        endings, offset = self._endings, self._now() - self._monotonic()
        beginning, until = b"", 0.0
        for count, request, trace, began, ended in replays:
            if ended >= until:
                time = ended + offset
                beginning, until = self._beginning(time), (time // TICK + 1) * TICK - offset
            ending = endings[int((ended - began) * 1e6 + 0.5)]
            if trace is not None:
                ending = self._with_trace(ending, trace)
            lines.append(b"%b%b%b%b" % (beginning, request, count.ending, ending))
        self._writer.collect(b"".join(lines))

    def _beginning(self, time: float) -> bytes:
        return f"{self._opening}{time_text(time)}{self._head}".encode()

    def _with_trace(self, ending: bytes, trace: str) -> bytes:
        pair = f"{self._form.separator}{self._form.pair('trace', trace)}{self._form.closing}"
        return ending.removesuffix(self._form.closing.encode()) + pair.encode()

    def _joined(self, pairs: Sequence[Pair]) -> str:
        return joined(self._form, pairs)

"""The writer of log lines: a thread writes them, so that who does not read the log cannot stop the gateway.

Lines of the event loop are collected and passed on together, since waking the thread for each of them would take longer
than making it. Several processes may write to one pipe or socket: there PIPE_BUF bytes of whole lines are written at
once, which a pipe does not mix with the writes of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import stat
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

DELAY = 0.05  # seconds for which lines of the event loop are collected
MOST_COLLECTED = 400_000  # bytes
# Bytes that are not written yet. Beyond them lines are dropped, and counted.
MOST_WAITING = 4 * 2**20
PATIENCE = 2.0  # seconds for which the end of the process waits until its lines are written


class LineWriter:
    """Writes to a file descriptor. `tell_dropped` makes the line about so many lines that were dropped.

    Its thread does not survive a fork, so each process makes its own writer.
    """

    def __init__(self, descriptor: int, tell_dropped: Callable[[int], bytes]) -> None:
        self._descriptor = descriptor
        self._tell_dropped = tell_dropped
        self._takes_all = _is_file(descriptor)
        self.collected: list[bytes] = []
        """Lines of the loop that `attach` names."""
        self._size = 0
        self.write_earlier: Callable[[], None] = lambda: None
        """Collects what was noted on the loop before the line that is added."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._chunks: SimpleQueue[bytes | threading.Event] = SimpleQueue()
        # A collection of garbage may begin inside it, and log.
        self._lock = threading.RLock()
        self._waiting = 0
        self._dropped = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Collect the lines of `loop` from now on."""
        self._loop = loop

    def detach(self) -> None:
        """Pass each line on at once from now on: the loop ends. To be called on the loop."""
        self.write_earlier()
        self._loop = None
        self.pass_on()

    def add(self, line: bytes) -> None:
        """Write a line, from any thread."""
        if self._loop is not None and _running_loop() is self._loop:
            self.write_earlier()
            self.collect(line)
        else:
            self._put(line)

    def collect(self, lines: bytes) -> None:
        """Write lines of the loop together with those that are collected already."""
        if not self.collected and self._loop is not None:
            self._loop.call_later(DELAY, self.pass_on)
        self.collected.append(lines)
        self._size += len(lines)
        if self._size >= MOST_COLLECTED:
            self.pass_on()

    def pass_on(self) -> None:
        """Pass the collected lines on to the thread."""
        if self.collected:
            chunk = b"".join(self.collected)
            self.collected.clear()
            self._size = 0
            self._put(chunk)

    def flush(self) -> bool:
        """Wait until all lines are written, for PATIENCE at most. Return whether they are."""
        self.write_earlier()
        self.pass_on()
        written = threading.Event()
        self._chunks.put(written)
        return written.wait(PATIENCE)

    def _put(self, chunk: bytes) -> None:
        with self._lock:
            if self._waiting + len(chunk) > MOST_WAITING:
                self._dropped += chunk.count(b"\n")
                return
            self._waiting += len(chunk)
        self._chunks.put(chunk)

    def _write_all(self) -> None:
        while True:
            chunk = self._chunks.get()
            if isinstance(chunk, threading.Event):
                chunk.set()
                continue
            self._write(chunk)
            with self._lock:
                self._waiting -= len(chunk)
                dropped = self._dropped if self._waiting < MOST_WAITING // 2 else 0
                self._dropped -= dropped
            if dropped:
                self._write(self._tell_dropped(dropped))

    def _write(self, chunk: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads the log any more
            for part in [chunk] if self._takes_all else of_whole_lines(chunk):
                write_whole(self._descriptor, part)


def of_whole_lines(chunk: bytes, most: int = select.PIPE_BUF) -> Iterator[bytes]:
    """Yield `chunk` in parts of `most` bytes at most, each of whole lines. A longer line is a part of its own."""
    begin = 0
    while begin < len(chunk):
        end = chunk.rfind(b"\n", begin, begin + most) + 1 or chunk.find(b"\n", begin) + 1 or len(chunk)
        yield chunk[begin:end]
        begin = end


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of `data`, also where another holder of the pipe has set that it does not block. Raise OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:  # it is closed
        return False


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

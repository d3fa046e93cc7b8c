"""The handler of all log records of a process: those of events, and those of libraries."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator

from gateway.clock import Clock
from gateway.correlation import CURRENT
from gateway.logs.event_lines import LOGGER, EventMessage
from gateway.logs.line_formats import FORMATS, LogFormat, Pair, line, time_text
from gateway.logs.line_writer import LineWriter
from gateway.logs.replay_lines import ReplayLines

STANDARD_ERROR = 2
# Loggers that write private data at finer levels (request headers and query strings, which hold keys and signatures;
# SQL with its parameters; image metadata with place and author; the data keys that a service encrypts), or lines that
# the gateway has its own for.
TALKATIVE = (
    *("httpx", "httpcore", "aiohttp", "sqlalchemy", "psycopg", "PIL", "pillow_heif", "dbos", "uvicorn"),
    *("boto3", "botocore", "urllib3", "requests", "hvac", "authlib"),
)
WORKER = "worker-"
"""How the names of worker processes begin; a number follows. Other processes are number 0."""


class LineHandler(logging.Handler):
    """Writes each record as one line. A record of a request has its ids."""

    def __init__(self, form: LogFormat, descriptor: int = STANDARD_ERROR) -> None:
        super().__init__()
        self._form = FORMATS[form]
        self._traceback = logging.Formatter()
        self.process: list[Pair] = [("pid", os.getpid()), ("worker", _worker())]
        self.writer = LineWriter(descriptor, self._about_dropped)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.writer.add(line(self._form, self._pairs(record)).encode("ascii"))
        except Exception as error:  # of a library's arguments; printing it might block
            self.writer.add(self._own("LogLineFailed", ("source", record.name), ("problem", type(error).__name__)))

    def flush(self) -> None:
        self.writer.flush()

    def end(self) -> None:
        """Write all lines of the loop, which ends. To be called on it."""
        self.writer.detach()
        self.flush()

    def replay_lines(self, clock: Clock) -> ReplayLines | None:
        """Return the writer of the lines of replays; None if their level is not logged."""
        return ReplayLines(self._form, self.process, self.writer, clock) if LOGGER.isEnabledFor(logging.INFO) else None

    def _pairs(self, record: logging.LogRecord) -> Iterator[Pair]:
        yield "time", time_text(record.created)
        yield "level", record.levelname
        yield from self.process
        if isinstance(record.msg, EventMessage):
            yield "event", record.msg.name
            yield from record.msg.fields
        else:
            yield "logger", record.name
            yield "message", record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            yield "exception", self._traceback.formatException(record.exc_info)
        yield from _correlation(record)

    def _about_dropped(self, lines: int) -> bytes:
        return self._own("LogLinesDropped", ("lines", lines))

    def _own(self, event: str, *fields: Pair) -> bytes:
        message = EventMessage(event, fields)
        record = logging.LogRecord("gateway", logging.ERROR, __file__, 0, message, (), None)
        return line(self._form, self._pairs(record)).encode("ascii")


def install(form: LogFormat, level: str) -> LineHandler:
    """Make the process log to standard error, and return the handler. A second call changes nothing."""
    found = installed()
    if found is not None:
        return found
    handler = LineHandler(form)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    quieten()
    return handler


def quieten() -> None:
    """Let the loggers that write private data write warnings at most."""
    level = logging.getLogger().level
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))


def installed() -> LineHandler | None:
    """Return the handler of this process, if it has one."""
    return next((each for each in logging.getLogger().handlers if isinstance(each, LineHandler)), None)


def _worker() -> int:
    name = multiprocessing.current_process().name
    number = name.removeprefix(WORKER)
    return int(number) if name.startswith(WORKER) and number.isdigit() else 0


def _correlation(record: logging.LogRecord) -> Iterator[Pair]:
    """Yield the ids of the request in whose course a record was made, unless they are fields of the event."""
    current = CURRENT.get()
    own = {name for name, _ in record.msg.fields} if isinstance(record.msg, EventMessage) else set()
    if current is not None and "request" not in own:
        yield "request", current.request
        yield "trace", current.trace

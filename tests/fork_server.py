"""The command line in processes that are forked from one that has imported the program and done nothing else.

To import it takes a second of a processor, and the suite starts it some hundred times: this is all that is saved. Each
is a process of its own, in a session of its own, with the whole of `python -m gateway` before it. What is asked of the
start itself, of what it imports or of an installation is asked of a real one.

One server belongs to one process of the tests, and ends with it. A request is five files that are sent to it: its JSON,
the pipe to which the id of the new process and later its exit code are written, and the standard input, output and
errors of that process.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-m", "tests.fork_server")
NUMBER = struct.Struct("!i")
FILES = 5


class Forked:
    """A process of the command line, as `subprocess.Popen` shows one whose output is text."""

    def __init__(self, status: int, stdout: IO[str] | None = None, stderr: IO[str] | None = None) -> None:
        """`status` is the pipe that its id and its exit code are read from. Raise EOFError if it was not started."""
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._status = status
        self._turn = threading.Lock()
        self.pid = self._number()

    def poll(self) -> int | None:
        """Return the exit code, which for a signal is its negative number; None while it runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raise TimeoutExpired after so many seconds."""
        if (code := self._wait(timeout)) is None:
            raise subprocess.TimeoutExpired("highlights-gateway", timeout or 0)
        return code

    async def ended(self) -> int:
        """Return the exit code, without blocking the event loop until then."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.add_reader(self._status, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._status)
        return self.wait()

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Return what is left of its output. Raise TimeoutExpired after so many seconds, and kill it then."""
        reaper = threading.Timer(timeout, self.kill_group)
        reaper.start()
        with ThreadPoolExecutor(2) as pool:
            output, errors = pool.map(_rest, (self.stdout, self.stderr))
        if reaper.finished.is_set():
            raise subprocess.TimeoutExpired("highlights-gateway", timeout)
        reaper.cancel()
        self.wait()
        return output, errors

    def send_signal(self, number: int) -> None:
        """Send the signal, unless the process has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def kill_group(self) -> None:
        """Kill it with all it has started, also where it has ended itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipes of a process that has ended."""
        os.close(self._status)
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def _wait(self, timeout: float | None) -> int | None:
        with self._turn:
            if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
                self.returncode = self._number()
            return self.returncode

    def _number(self) -> int:
        found = os.read(self._status, NUMBER.size)
        if not found:
            raise EOFError("the fork server has ended")
        return int(NUMBER.unpack(found)[0])


def _rest(stream: IO[str] | None) -> str:
    return "" if stream is None else stream.read()


def start(arguments: Sequence[str], environment: Mapping[str, str], log: Path | None = None) -> Forked:
    """Start the command with these arguments. Its output is appended to `log`, if one is given, or read from pipes.

    Its standard input is empty, and its working directory is that of this process.
    """
    with contextlib.ExitStack() as sent, contextlib.ExitStack() as held:
        request = sent.enter_context(tempfile.TemporaryFile())
        body = {"arguments": list(arguments), "environment": dict(environment), "directory": os.getcwd()}
        request.write(json.dumps(body).encode())
        request.flush()
        status, reported = os.pipe()
        held.callback(os.close, status)
        sent.callback(os.close, reported)
        empty = sent.enter_context(open(os.devnull, "rb"))
        read: tuple[IO[str], ...] = ()
        if log is None:
            read, written = zip(*(_pipe(sent, held) for _ in range(2)), strict=True)
        else:
            written = (sent.enter_context(open(log, "ab")).fileno(),) * 2
        socket.send_fds(_server(), [b"\0"], [request.fileno(), reported, empty.fileno(), *written])
        sent.close()
        process = Forked(status, *read)
        held.pop_all()
        return process


def _pipe(sent: contextlib.ExitStack, held: contextlib.ExitStack) -> tuple[IO[str], int]:
    """The end that is read here, and the other one."""
    read, written = os.pipe()
    sent.callback(os.close, written)
    return held.enter_context(open(read, encoding="utf-8")), written


@contextlib.contextmanager
def started(arguments: Sequence[str], environment: Mapping[str, str], *, seconds: float) -> Iterator[Forked]:
    """The process, until the block ends or so many seconds are over: then it is killed with all it has started."""
    process = start(arguments, environment)
    reaper = threading.Timer(seconds, process.kill_group)
    reaper.start()
    try:
        yield process
    finally:
        reaper.cancel()
        process.kill_group()
        process.wait()
        process.close()


@cache
def _server() -> socket.socket:
    """Return the connection to the server of this process, which is started by the first call.

    It is not measured for coverage; what it forks is, where the environment of that says so.
    """
    ours, theirs = socket.socketpair()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "COV"))}
    with theirs:
        server = subprocess.Popen(
            PROGRAM, cwd=ROOT, env=environment, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
        )
    atexit.register(_end, ours, server)
    return ours


def _end(control: socket.socket, server: subprocess.Popen[bytes]) -> None:
    """End the server, and with it all that it forked."""
    control.close()
    server.wait()


# -- the server


def _serve() -> dict[str, Any]:
    """Fork at each request. Return in a new process only, with its request."""
    alive: dict[int, int] = {}
    # An exit is reported as soon as it is known, but never before the id of the process.
    signal.signal(signal.SIGCHLD, lambda *_: _report_exits(alive))
    with socket.socket(fileno=os.dup(0)) as control:
        while files := socket.recv_fds(control, 1, FILES)[1]:
            request, status, *streams = files
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            if (pid := os.fork()) == 0:
                for inherited in (*alive.values(), status):
                    os.close(inherited)
                return _become(request, streams)
            alive[pid] = status
            os.write(status, NUMBER.pack(pid))
            for file in (request, *streams):
                os.close(file)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    # The client is gone, perhaps without a word.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os._exit(0)


def _report_exits(alive: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            status = alive.pop(ended[0])
            with contextlib.suppress(BrokenPipeError):
                os.write(status, NUMBER.pack(os.waitstatus_to_exitcode(ended[1])))
            os.close(status)


def _become(request: int, streams: Sequence[int]) -> dict[str, Any]:
    """Make this process one like any that a shell starts. Return its request."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for number, source in enumerate(streams):
        os.dup2(source, number)
        os.close(source)
    os.lseek(request, 0, os.SEEK_SET)
    with open(request, "rb") as file:
        body: dict[str, Any] = json.load(file)
    os.chdir(body["directory"])
    os.environ.clear()
    os.environ.update(body["environment"])
    return body


def _main() -> None:
    # Imported here alone, before the first fork: the clients do not need it.
    import coverage

    import gateway.commands.servers
    import gateway.composition.app
    import gateway.sandbox  # noqa: F401

    # What is there before a fork is not copied by a collection after it.
    gc.freeze()
    body = _serve()
    coverage.process_startup()
    sys.argv[1:] = body["arguments"]
    runpy.run_module("gateway", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()

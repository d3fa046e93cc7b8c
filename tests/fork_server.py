"""Gateways are forked from one process that has imported the program and done nothing else.

To import it takes a second of a processor, and a storm starts it fifty times: this is all that is saved. Each gateway
is a process of its own, with the whole of `serve` before it.

A line of JSON on standard input starts one; the answers are `born PID` and, whenever one has died, `died PID CODE`,
with the number of the signal below zero.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-m", "tests.fork_server")


class Child:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.died: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def is_alive(self) -> bool:
        return not self.died.done()

    def send(self, number: signal.Signals) -> None:
        """Unless it has died; that may not be told yet."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._children: dict[int, Child] = {}
        self._born: asyncio.Queue[Child] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls) -> Nursery:
        """Without the measuring of coverage: of what is killed nothing would be left but halves of its files."""
        given = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "COV"))}
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*PROGRAM, cwd=ROOT, env=given, stdin=pipe, stdout=pipe))

    async def start(self, arguments: Sequence[str], settings: Mapping[str, str], log: Path) -> Child:
        order = {"arguments": list(arguments), "settings": dict(settings), "log": str(log)}
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            return await self._born.get()

    async def aclose(self) -> None:
        """Its children die with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, *numbers = line.decode().split()
            pid, *code = map(int, numbers)
            if word == "born":
                self._children[pid] = Child(pid)
                self._born.put_nowait(self._children[pid])
            else:
                self._children.pop(pid).died.set_result(code[0])


def _serve_orders() -> None:
    # Imported here alone: before the first fork, and never by those who only give orders.
    import dbos  # noqa: F401
    import uvicorn  # noqa: F401

    # A death is told as soon as it is known, but never before the birth.
    signal.signal(signal.SIGCHLD, lambda *_: _tell_deaths(alive))
    alive: set[int] = set()
    for line in sys.stdin:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if (pid := os.fork()) == 0:
            _be(json.loads(line))
        alive.add(pid)
        os.write(1, f"born {pid}\n".encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    # Whoever gave the orders is gone, perhaps without a word.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _tell_deaths(alive: set[int]) -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            alive.discard(ended[0])
            os.write(1, f"died {ended[0]} {os.waitstatus_to_exitcode(ended[1])}\n".encode())
    except ChildProcessError:
        return


def _be(order: dict[str, Any]) -> None:
    """Never returns."""
    from gateway.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, stream)
    os.environ.update(order["settings"])
    sys.argv = ["highlights-gateway", *order["arguments"]]
    code = 1
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve_orders()

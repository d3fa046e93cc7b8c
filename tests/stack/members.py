"""The processes of a stack: each can be killed, frozen, and started again in its place."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests import processes

LIMIT = 60.0  # seconds for a start, and for an end that was asked for


class Member:
    """One process. Its output is appended to a file, so that it never waits for a reader."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        is_ready: Callable[[], bool],
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = command
        # Without the measuring of coverage: of what is killed nothing would be left but halves of its files.
        self._environment = {name: value for name, value in environment.items() if not name.startswith("COV")}
        self._folder = folder
        self._is_ready = is_ready
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return when it is ready. Raise RuntimeError, with its last lines, if it ends instead.

        Raise it, too, if something else has its port already.
        """
        if self._is_ready():
            raise RuntimeError(f"{self.name} was not started: something else answers at its port.")
        with self.log.open("a") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + LIMIT
        while not self._is_ready():
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.last_lines()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """With all that it has started, at once."""
        processes.kill(self.process)
        self.process.wait(LIMIT)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> int:
        """Ask it to end, and return its exit code; kill it after LIMIT seconds."""
        if self.is_running:
            self.thaw()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LIMIT)
            processes.kill(self.process)
        return self.process.wait()

    def last_lines(self, number: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-number:])

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextlib.contextmanager
def running(member: Member) -> Iterator[Member]:
    """Start it, and end it with the block, whatever has become of it by then."""
    member.start()
    try:
        yield member
    finally:
        member.end()

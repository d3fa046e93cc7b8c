"""Workers on one data directory, and what they did outside."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.durable.worker import EFFECTS

ROOT = Path(__file__).parents[3]
LIMIT = 30.0

Effect = tuple[str, str, int]


class Worker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def says(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


class Crew:
    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._workers: list[Worker] = []

    def begin(self, *edited: str) -> Worker:
        """Launched, but not yet ready."""
        command = [sys.executable, "-m", "tests.durable.worker", self._url, str(self._folder), *edited]
        worker = Worker(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self._workers.append(worker)
        return worker

    def ready(self, *edited: str) -> Worker:
        worker = self.begin(*edited)
        assert worker.says() == "ready"
        return worker

    def hold(self, name: str) -> None:
        (self._folder / f"hold-{name}").touch()

    def release(self, name: str) -> None:
        (self._folder / f"hold-{name}").unlink()

    def effects(self) -> list[Effect]:
        """Flow, step and process of each effect, in their order."""
        path = self._folder / EFFECTS
        lines = path.read_text().splitlines() if path.exists() else []
        return [(flow, step, int(pid)) for flow, step, pid in map(str.split, lines)]

    def until(self, *expected: str) -> float:
        """Waits until the steps that took effect are these; how long it took, in seconds."""
        return self.wait(lambda effects: [step for _, step, _ in effects] == list(expected))

    def wait(self, holds: Callable[[list[Effect]], bool]) -> float:
        began = time.monotonic()
        while not holds(self.effects()):
            assert time.monotonic() - began < LIMIT, self.effects()
            time.sleep(0.01)
        return time.monotonic() - began

    def end(self) -> None:
        for worker in self._workers:
            worker.kill()


@contextmanager
def crew(url: str, folder: Path) -> Iterator[Crew]:
    made = Crew(url, folder)
    try:
        yield made
    finally:
        made.end()

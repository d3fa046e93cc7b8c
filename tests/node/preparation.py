"""What tests need of Node, installed and built in a process beside the tests: `python -m tests.node.preparation`."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

from tests.node import projects


class Preparation:
    """The process, which begins at once. In a new clone it takes minutes, most of them for the network."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.node.preparation"])

    def wait(self) -> None:
        """Until it has ended. The tests that need what it could not make fail with what it said."""
        self._process.wait()

    def end(self) -> None:
        """With all it has started."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.suppress(projects.Failed):
        projects.prepare()

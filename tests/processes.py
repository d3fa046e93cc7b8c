"""Processes that end with all they have started.

What is started may be a wrapper, as npm is, and as `node` is where a Python package brings it. Killed alone it leaves
its child behind, which holds the pipes: whoever reads them to their end waits for ever.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Any


@contextlib.contextmanager
def group(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """The process, until the block ends. Its session is its own: its number is that of the group of all it starts."""
    process: subprocess.Popen[str] = subprocess.Popen(command, text=True, start_new_session=True, **options)
    try:
        yield process
    finally:
        kill(process)
        process.communicate()


@contextlib.contextmanager
def started(command: Sequence[str], *, seconds: float, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """As `group`, and killed after so many seconds at the latest, so that whoever reads its output reads to an end."""
    with group(command, **options) as process:
        reaper = threading.Timer(seconds, kill, (process,))
        reaper.start()
        try:
            yield process
        finally:
            reaper.cancel()


def run(command: Sequence[str], *, seconds: float, **options: Any) -> subprocess.CompletedProcess[str]:
    """What it printed, and its exit code. Raises subprocess.TimeoutExpired."""
    pipe = subprocess.PIPE
    with group(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, **options) as process:
        output, errors = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def kill(process: subprocess.Popen[str]) -> None:
    """With all it has started, also where it has ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

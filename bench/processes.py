"""Processes with all they have started: how they are run and ended, their processor time and their memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

TICKS = os.sysconf("SC_CLK_TCK")
KIB = 1024
PATIENCE = 10  # seconds


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, seconds: float) -> None:
    """To its end, or for so many seconds. Raises RuntimeError, with what it printed, and subprocess.TimeoutExpired."""
    process = start(command, folder, environment, subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        _kill(process)
        process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output.decode(errors='replace')[-2000:]}")


def start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """In a session of its own, so that its number is that of the group of all it starts."""
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks the whole group to end: the first may be a wrapper, which would leave the server itself behind."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    _kill(process)
    process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def cpu_seconds(pid: int) -> float:
    total = 0
    for one in _family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The command's name stands in brackets and may hold spaces; user and system time are fields 14 and 15.
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident(pid: int) -> int:
    """Bytes in memory now."""
    return _status(pid, "VmRSS")


def most_resident(pid: int) -> int:
    """Bytes in memory at the most so far."""
    return _status(pid, "VmHWM")


def _status(pid: int, row: str) -> int:
    total = 0
    for one in _family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith(f"{row}:"):
                    total += int(line.split()[1]) * KIB
    return total


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]

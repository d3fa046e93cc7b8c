"""What the kernel says of a process: its processor time and its memory, its children's added."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KIB = 1024


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

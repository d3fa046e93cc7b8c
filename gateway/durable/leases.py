"""Worker leases: each process on a data directory holds a slot by a file lock, which the kernel frees at its death."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from gateway.files import make_file, make_folder

FOLDER = "flows.slots"
HOST_FILE = "host"
MOST = 64


class NoSlot(Exception):
    """All slots of the data directory are taken, or it cannot be written."""


class WorkerLease:
    """The lease of one slot of a data directory.

    `executor` is a stable id: a later process with the same slot resumes the workflows that the slot has left.
    """

    def __init__(self, directory: Path) -> None:
        """Take the first free slot. Raises NoSlot."""
        self._folder = directory / FOLDER
        try:
            make_folder(self._folder)
            self._host = _host(self._folder / HOST_FILE)
            self._lock: int | None
            self.number, self._lock = self._first_free()
        except OSError as exc:
            raise NoSlot(f"The slots in {self._folder} cannot be used: {exc.strerror}.") from exc

    @property
    def executor(self) -> str:
        return self._executor(self.number)

    @contextlib.contextmanager
    def abandoned(self) -> Iterator[tuple[str, ...]]:
        """Yield the executors whose process is dead. No process can take their slots while the context lasts."""
        with contextlib.ExitStack() as locks:
            found = []
            for path in sorted(self._folder.glob("*.lock")):
                number = int(path.stem)
                if number != self.number and (lock := _lock(path)) is not None:
                    locks.callback(os.close, lock)
                    found.append(self._executor(number))
            yield tuple(found)

    def close(self) -> None:
        """Release the lease. Idempotent."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _first_free(self) -> tuple[int, int]:
        for number in range(MOST):
            if (lock := _lock(self._folder / f"{number}.lock")) is not None:
                return number, lock
        raise NoSlot(f"All {MOST} slots in {self._folder} are taken: a process each.")

    def _executor(self, number: int) -> str:
        return f"{self._host}-{number}"


def _lock(path: Path) -> int | None:
    """Return the descriptor that holds the lock, or None if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _host(path: Path) -> str:
    """Return the id of the data directory, which distinguishes directories that share a database."""
    make_file(path, secrets.token_hex(8).encode())
    return path.read_text()

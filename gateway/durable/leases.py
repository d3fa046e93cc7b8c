"""Worker leases: each process that runs flows holds one, by a name under which its flows are recorded.

On one machine the lease is a file lock in the data directory, which the kernel frees when the process dies. Processes
on several machines also record it in their database (`gateway.durable.database_leases`).
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gateway.files import make_file, make_folder

if TYPE_CHECKING:  # commands that only need names here import no database
    import sqlalchemy as sa

FOLDER = "flows.slots"
HOST_FILE = "host"
MOST = 64


class NoSlot(Exception):
    """All slots of the data directory are taken, or it cannot be written."""


class LeaseLost(Exception):
    """The lease has ended, so that another process may have the flows: nothing may be done for them any more."""


class WorkerLease(Protocol):
    """The lease of one process. Methods block; those that use a database raise FlowsUnavailable."""

    @property
    def executor(self) -> str:
        """The name of the process. A later process with the same name resumes what it has left."""

    @property
    def token(self) -> int:
        """The fencing token: another one each time the lease is taken."""

    def remaining(self) -> float:
        """Return the seconds until the lease ends unless it is renewed. Does not block."""

    def renew(self) -> None:
        """Renew the lease. Raise LeaseLost if another process has taken it."""

    def retake(self) -> None:
        """Take the lease again, with another token. Raise LeaseLost while another process has it."""

    def check(self, db: sa.Connection, token: int, *, until_commit: bool) -> None:
        """Raise LeaseLost unless the lease of this token is held. With `until_commit` nobody takes it before that."""

    def abandoned(self) -> contextlib.AbstractContextManager[tuple[str, ...]]:
        """Yield the processes whose lease has ended. No process can take these leases while the context lasts."""

    def close(self) -> None:
        """Release the lease. Idempotent."""


def always(executor: str) -> bool:
    return True


class FileLease:
    """The lease of one slot of a data directory, by a file lock."""

    token = 0

    def __init__(self, directory: Path, accepts: Callable[[str], bool] = always) -> None:
        """Take the first free slot whose name is accepted. Raise NoSlot."""
        self._folder = directory / FOLDER
        try:
            make_folder(self._folder)
            self._host = _host(self._folder / HOST_FILE)
            self._lock: int | None
            self.number, self._lock = self._first_free(accepts)
        except OSError as exc:
            raise NoSlot(f"The slots in {self._folder} cannot be used: {exc.strerror}.") from exc

    @property
    def executor(self) -> str:
        return self._executor(self.number)

    def remaining(self) -> float:
        return math.inf

    def renew(self) -> None:
        pass

    def retake(self) -> None:
        pass

    def check(self, db: sa.Connection, token: int, *, until_commit: bool) -> None:
        pass

    @contextlib.contextmanager
    def abandoned(self) -> Iterator[tuple[str, ...]]:
        with contextlib.ExitStack() as locks:
            found = []
            for path in sorted(self._folder.glob("*.lock")):
                number = int(path.stem)
                if number != self.number and (lock := _lock(path)) is not None:
                    locks.callback(os.close, lock)
                    found.append(self._executor(number))
            yield tuple(found)

    def close(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _first_free(self, accepts: Callable[[str], bool]) -> tuple[int, int]:
        for number in range(MOST):
            if (lock := _lock(self._folder / f"{number}.lock")) is not None:
                try:
                    is_accepted = accepts(self._executor(number))
                except BaseException:
                    os.close(lock)
                    raise
                if is_accepted:
                    return number, lock
                os.close(lock)
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


def place_of(directory: Path) -> str:
    """Return a text that differs for each copy of a data directory, and on each machine.

    Processes for which it is equal see each other's file locks.
    """
    found = os.stat(directory / FOLDER / HOST_FILE)
    return f"{os.uname().nodename}:{found.st_dev}:{found.st_ino}"

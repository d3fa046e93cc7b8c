"""The spool's directory: entries, who holds them, and what crashes have left. Everything here blocks.

    DIRECTORY/lock                     held while entries change, by whichever process changes them
    DIRECTORY/PROCESS.alive            held as long as the process lives
    DIRECTORY/PROCESS.N.part           a file that is being written
    DIRECTORY/SHA256/content           what was sent
    DIRECTORY/SHA256/ready             what is sent on, where that is something else
    DIRECTORY/SHA256/HOLDER            empty: HOLDER needs the entry

A holder is a flow, by its id, or a request, as `request.PROCESS.N`. An entry goes with its last holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.files import make_folder

SHA256 = re.compile(r"[0-9a-f]{64}")
HOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:-]{0,199}")
CONTENT, READY, PART = "content", "ready", "ready.part"
REQUEST = "request."
LOCK = "lock"


class UploadDirectory:
    """Several processes may have hands on the same directory. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process = secrets.token_hex(8)
        self._alive: BinaryIO | None = None

    def begin(self) -> None:
        """Makes the directory, and removes what processes that are gone have left."""
        make_folder(self._directory)
        with self._locked():
            alive = self._directory / f"{self._process}.alive"
            # Opened for good: the lock on it is what tells other processes that this one lives.
            self._alive = alive.open("xb")
            fcntl.flock(self._alive, fcntl.LOCK_EX)
            living = self._living()
            for part in self._directory.glob("*.part"):
                if part.name.split(".")[0] not in living:
                    part.unlink()
            self._let_go_where(lambda mark: _is_orphan(mark.name, living))

    def end(self) -> None:
        if self._alive is not None:
            Path(self._alive.name).unlink(missing_ok=True)
            self._alive.close()
            self._alive = None

    def part(self, number: int) -> Part:
        return Part(self._directory / f"{self._process}.{number}.part")

    def request(self, number: int) -> str:
        """The name of a holder that goes with this process."""
        return f"{REQUEST}{self._process}.{number}"

    def path(self, sha256: str) -> Path:
        entry = self._entry(sha256)
        return entry / READY if (entry / READY).exists() else entry / CONTENT

    def size(self) -> int:
        """Bytes of all files. Counted on the disk, because other processes write, too."""
        patterns = ("*.part", f"*/{CONTENT}", f"*/{READY}", f"*/{PART}")
        return sum(_size(file) for pattern in patterns for file in self._directory.glob(pattern))

    def enter(self, part: Part, holder: str) -> None:
        """`part`, written, becomes an entry, unless there is one with the same content."""
        entry = self._entry(part.sha256)
        with self._locked():
            entry.mkdir(exist_ok=True)
            (entry / _checked(holder)).touch()
            if not self.path(part.sha256).exists():
                part.path.rename(entry / CONTENT)
            _sync(entry)
            _sync(self._directory)

    def hold(self, sha256: str, holder: str) -> None:
        """Raises FileNotFoundError if the entry is gone."""
        with self._locked():
            (self._entry(sha256) / _checked(holder)).touch()
            _sync(self._entry(sha256))

    def replace(self, sha256: str, data: bytes) -> None:
        """`data` is sent on from now on, and what was sent is no longer kept."""
        entry = self._entry(sha256)
        with self._locked():
            with (entry / PART).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            (entry / PART).rename(entry / READY)
            (entry / CONTENT).unlink(missing_ok=True)
            _sync(entry)

    def release(self, sha256: str, holder: str) -> None:
        with self._locked():
            _let_go(self._entry(sha256), lambda mark: mark.name == holder)

    def release_all(self, holder: str) -> None:
        with self._locked():
            self._let_go_where(lambda mark: mark.name == holder)

    def sweep(self, keep: Collection[str], grace: float) -> int:
        """Lets go of what neither a living process nor one of the flows `keep` holds; how many entries went.

        A flow that took hold less than `grace` seconds ago may not be known yet, and keeps it.
        """
        with self._locked():
            living, flows, old = self._living(), frozenset(keep), self._time() - grace

            def lets_go(mark: Path) -> bool:
                if mark.name.startswith(REQUEST):
                    return _is_orphan(mark.name, living)
                return mark.name not in flows and mark.stat().st_mtime <= old

            return self._let_go_where(lets_go)

    def _time(self) -> float:
        """As the file system counts it, which marks are compared with."""
        lock = self._directory / LOCK
        lock.touch()
        return lock.stat().st_mtime

    def _entry(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise ValueError("an entry is named by a SHA-256 in lower-case hex")
        return self._directory / sha256

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _living(self) -> frozenset[str]:
        """The processes whose lock cannot be had; the marks of the others are removed."""
        living = set()
        for alive in self._directory.glob("*.alive"):
            if _is_locked(alive):
                living.add(alive.stem)
            else:
                alive.unlink()
        return frozenset(living)

    def _let_go_where(self, lets_go: Callable[[Path], bool]) -> int:
        entries = [path for path in self._directory.iterdir() if SHA256.fullmatch(path.name)]
        return sum(_let_go(entry, lets_go) for entry in entries)


class Part:
    """A file that is being written: its bytes are on the disk when `finish` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def append(self, data: bytes) -> None:
        if self._file is None:
            self._file = self.path.open("xb")
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> None:
        self.append(b"")
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        """What has become an entry stays one."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk may refuse the rest once more
                self._file.close()
        self.path.unlink(missing_ok=True)


def _is_orphan(holder: str, living: Collection[str]) -> bool:
    """A request of a process that is gone."""
    return holder.startswith(REQUEST) and holder.split(".")[1] not in living


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _let_go(entry: Path, lets_go: Callable[[Path], bool]) -> bool:
    """Removes the marks of those that let go, and the entry with the last of them; whether it went."""
    if not entry.exists():
        return False
    marks = [path for path in entry.iterdir() if path.name not in (CONTENT, READY, PART)]
    leaving = [mark for mark in marks if lets_go(mark)]
    for mark in leaving:
        mark.unlink()
    if len(leaving) < len(marks):
        return False
    for path in entry.iterdir():
        path.unlink()
    entry.rmdir()
    return True


def _checked(holder: str) -> str:
    if not HOLDER.fullmatch(holder) or holder in (CONTENT, READY, PART):
        raise ValueError("a holder's name is up to 200 letters, digits, and . _ : -")
    return holder


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _sync(directory: Path) -> None:
    """A new name in a directory survives a power cut only after this."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

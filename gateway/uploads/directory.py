"""The directory of the spool: entries, their holders, and the cleanup after crashes. All calls block.

    DIRECTORY/lock                     locked by a process while it changes entries
    DIRECTORY/PROCESS.alive            locked as long as the process lives
    DIRECTORY/PROCESS.N.part           a file that is being written
    DIRECTORY/SHA256/content           the content that the client sent
    DIRECTORY/SHA256/ready             the content sent to the upstream, if it differs
    DIRECTORY/SHA256/HOLDER            empty: HOLDER needs the entry

A holder is a workflow, by its id, or a request, as `request.PROCESS.N`. An entry is removed with its last holder.
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
    """A directory of uploads, which several processes may share. Every method raises OSError if the disk fails."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process = secrets.token_hex(8)
        self._alive: BinaryIO | None = None

    def begin(self) -> None:
        """Create the directory, and remove the files of dead processes."""
        make_folder(self._directory)
        with self._locked():
            alive = self._directory / f"{self._process}.alive"
            # Kept open: its lock shows other processes that this one is alive.
            self._alive = alive.open("xb")
            fcntl.flock(self._alive, fcntl.LOCK_EX)
            live = self._live_processes()
            for part in self._directory.glob("*.part"):
                if part.name.split(".")[0] not in live:
                    part.unlink()
            self._release_where(lambda marker: _is_of_dead_process(marker.name, live))

    def end(self) -> None:
        if self._alive is not None:
            Path(self._alive.name).unlink(missing_ok=True)
            self._alive.close()
            self._alive = None

    def part(self, number: int) -> PartialFile:
        return PartialFile(self._directory / f"{self._process}.{number}.part")

    def request(self, number: int) -> str:
        """Return the name of a holder that ends with this process."""
        return f"{REQUEST}{self._process}.{number}"

    def path(self, sha256: str) -> Path:
        entry = self._entry(sha256)
        return entry / READY if (entry / READY).exists() else entry / CONTENT

    def size(self) -> int:
        """Return the bytes of all files, measured on the disk because other processes write, too."""
        patterns = ("*.part", f"*/{CONTENT}", f"*/{READY}", f"*/{PART}")
        return sum(_size(file) for pattern in patterns for file in self._directory.glob(pattern))

    def enter(self, part: PartialFile, holder: str) -> None:
        """Turn a finished part into an entry, unless one with the same content exists."""
        entry = self._entry(part.sha256)
        with self._locked():
            entry.mkdir(exist_ok=True)
            (entry / _checked(holder)).touch()
            if not self.path(part.sha256).exists():
                part.path.rename(entry / CONTENT)
            _sync(entry)
            _sync(self._directory)

    def adopt(self, part: PartialFile, sha256: str, holder: str) -> None:
        """Turn a finished part, which replaces the content with this SHA-256, into an entry, unless that exists."""
        entry = self._entry(sha256)
        with self._locked():
            entry.mkdir(exist_ok=True)
            (entry / _checked(holder)).touch()
            if not self.path(sha256).exists():
                part.path.rename(entry / READY)
            _sync(entry)
            _sync(self._directory)

    def held(self, sha256: str, holder: str) -> Path | None:
        """Return the path of the content after adding a holder to its entry; None if there is no such entry."""
        entry = self._entry(sha256)
        with self._locked():
            path = self.path(sha256)
            if not path.exists():
                return None
            (entry / _checked(holder)).touch()
            return path

    def hold(self, sha256: str, holder: str) -> None:
        """Add a holder to an entry. Raises FileNotFoundError if the entry no longer exists."""
        with self._locked():
            (self._entry(sha256) / _checked(holder)).touch()
            _sync(self._entry(sha256))

    def replace(self, sha256: str, data: bytes) -> None:
        """Replace the content of an entry by `data`, which is sent to the upstream instead."""
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
            _release_entry(self._entry(sha256), lambda marker: marker.name == holder)

    def release_all(self, holder: str) -> None:
        with self._locked():
            self._release_where(lambda marker: marker.name == holder)

    def sweep(self, keep: Collection[str], grace: float) -> int:
        """Drop the holds of dead processes and of workflows outside `keep`. Returns how many entries were removed.

        A hold younger than `grace` seconds stays: its workflow may not be in `keep` yet.
        """
        with self._locked():
            live, flows, old = self._live_processes(), frozenset(keep), self._time() - grace

            def is_released(marker: Path) -> bool:
                if marker.name.startswith(REQUEST):
                    return _is_of_dead_process(marker.name, live)
                return marker.name not in flows and marker.stat().st_mtime <= old

            return self._release_where(is_released)

    def _time(self) -> float:
        """Return the time by the clock of the file system, which also dates the markers of holders."""
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

    def _live_processes(self) -> frozenset[str]:
        """Return the live processes, whose lock files are locked; remove the lock files of the others."""
        live = set()
        for alive in self._directory.glob("*.alive"):
            if _is_locked(alive):
                live.add(alive.stem)
            else:
                alive.unlink()
        return frozenset(live)

    def _release_where(self, is_released: Callable[[Path], bool]) -> int:
        entries = [path for path in self._directory.iterdir() if SHA256.fullmatch(path.name)]
        return sum(_release_entry(entry, is_released) for entry in entries)


class PartialFile:
    """A file being written; its bytes are on the disk when `finish` returns."""

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
        """Remove the file, unless it has become an entry."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk may reject the remaining bytes again
                self._file.close()
        self.path.unlink(missing_ok=True)


def _is_of_dead_process(holder: str, live: Collection[str]) -> bool:
    """Return whether the holder is a request of a dead process."""
    return holder.startswith(REQUEST) and holder.split(".")[1] not in live


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _release_entry(entry: Path, is_released: Callable[[Path], bool]) -> bool:
    """Remove the markers of holders that release the entry, and the entry with the last one.

    Returns whether the entry was removed.
    """
    if not entry.exists():
        return False
    markers = [path for path in entry.iterdir() if path.name not in (CONTENT, READY, PART)]
    released = [marker for marker in markers if is_released(marker)]
    for marker in released:
        marker.unlink()
    if len(released) < len(markers):
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
    """Flush the directory: only then does a new name in it survive a power failure."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

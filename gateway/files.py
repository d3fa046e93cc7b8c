"""Files of the data directory: private to their owner, and identifiable after deletion or replacement."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import TypeAlias

from gateway.errors import Unusable

Identity: TypeAlias = tuple[int, int] | None


def make_folder(path: Path) -> None:
    """Create the folder and its parents, accessible by the owner alone, unless it exists. Raise OSError."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def check_folder(path: Path, setting: str) -> None:
    """Create the folder if it is missing. Raise Unusable, which names the setting, if it is not writable."""
    try:
        make_folder(path)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise Unusable(f"{setting} must name a directory that can be written; {path}: {reason}.") from exc


def make_file(path: Path, content: bytes = b"") -> None:
    """Create the file, readable by the owner alone, unless it exists. Raise OSError.

    The file appears complete or not at all, and only once if several processes start together. It gets its name after
    it is closed: closing a file releases the process's locks on it, including those of an SQLite connection in another
    thread.
    """
    if path.exists():
        return
    draft = _draft(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def sync_folder(path: Path) -> None:
    """Flush a folder, so that the names of its files are on the disk too. Raise OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(path: Path) -> None:
    """Flush a folder and all folders below it. Raise OSError."""
    for folder in (path, *(one for one in path.rglob("*") if one.is_dir())):
        sync_folder(folder)


def replace_file(path: Path, content: bytes) -> None:
    """Give the file this content, atomically, and make it readable by the owner alone. Raise OSError."""
    draft = _draft(path, content)
    try:
        os.replace(draft, path)
    except OSError:
        draft.unlink()
        raise


def _draft(path: Path, content: bytes) -> Path:
    """Return a file with this content, on disk, in the folder of `path`."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def identity(path: str | Path | int) -> Identity:
    """Return device and inode, which differ for another file at the same path. None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino

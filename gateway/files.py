"""Files of the data directory: for their owner alone, and noticed when they are gone."""

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
    """With those above it. Nobody else may look into it; one that is there stays as it is. Raises OSError."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def check_folder(path: Path, setting: str) -> None:
    """Makes it where it is not. Raises Unusable, which names the setting, where no file can be made in it."""
    try:
        make_folder(path)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise Unusable(f"{setting} must name a directory that can be written; {path}: {reason}.") from exc


def make_file(path: Path, content: bytes = b"") -> None:
    """Nobody else may read it; one that is there stays as it is. Raises OSError.

    Whole or not at all, and one for all processes that start at once. It gets its name when it is closed: by closing a
    file, a process loses its locks on it, those of an SQLite connection in another thread as well.
    """
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def identity(path: str | Path) -> Identity:
    """Device and inode: of another file at the same path another one. None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino

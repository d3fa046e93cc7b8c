"""A mark on the disk that invalidations of this process are not sent yet: it outlives the process."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from gateway.files import make_file, make_folder

FOLDER = "cache.unsent"


class UnsentMarker:
    """The mark of one process: an empty file in a folder of the data directory. A disk that fails has none."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        self._path = self._folder / secrets.token_hex(8)
        self._is_set = False

    def left(self) -> list[Path]:
        """Return the marks of processes that may have ended before they had sent all."""
        with contextlib.suppress(OSError):
            return [path for path in self._folder.iterdir() if path != self._path]
        return []

    def set(self) -> None:
        """Set the mark, also where another process has removed it."""
        with contextlib.suppress(OSError):
            make_folder(self._folder)
            make_file(self._path)
            self._is_set = True

    def clear(self) -> None:
        if self._is_set:
            self._is_set = False
            self.remove([self._path])

    @staticmethod
    def remove(marks: Iterable[Path]) -> None:
        for path in marks:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

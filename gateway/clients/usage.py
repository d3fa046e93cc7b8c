"""Times of the keys' last uses, in a small SQLite file of the data directory, for `keys list`.

Each process writes it at most once a minute, and nothing depends on it: a crash loses at most a minute.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.files import make_file

NAME = "keys.sqlite3"
BUSY_SECONDS = 2.0
TABLE = "CREATE TABLE IF NOT EXISTS uses (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"
# Several processes may serve the same key, and write in any order.
USED = "INSERT INTO uses VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"


class UsesUnreadable(Exception):
    """The file exists but cannot be used at the moment."""


class Uses:
    """Times of last use in Unix seconds, by key fingerprint. Both methods block, and raise UsesUnreadable."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    def note(self, uses: Mapping[str, float]) -> None:
        try:
            make_file(self._path)
        except OSError as exc:
            raise UsesUnreadable(f"{self._path} cannot be made ({exc.strerror}).") from exc
        with self._opened() as db:
            db.execute(TABLE)
            db.executemany(USED, uses.items())

    def read(self) -> dict[str, float]:
        """Return the times by fingerprint; empty if no gateway has written yet."""
        if not self._path.exists():
            return {}
        with self._opened() as db:
            db.execute(TABLE)
            return dict(db.execute("SELECT key, at FROM uses"))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as db, db:
                yield db
        except sqlite3.Error as exc:
            raise UsesUnreadable(f"{self._path} cannot be used ({exc}).") from exc

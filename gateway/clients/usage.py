"""Times of the keys' last uses, in a small SQLite file of the data directory, for `keys list`.

Each process writes it at most once a minute, and nothing depends on it: a crash loses at most a minute.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.files import make_file
from gateway.migrations import RECORD, migrate, statements, version_of

NAME = "keys.sqlite3"
BUSY_SECONDS = 2.0
MIGRATIONS = (
    # Files without a version have the table already.
    statements(1, 0, "CREATE TABLE IF NOT EXISTS uses (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"),
    statements(1, 1, RECORD),
)
# Several processes may serve the same key, and write in any order.
USED = "INSERT INTO uses (key, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"


class UsesUnreadable(Exception):
    """The file exists but cannot be used at the moment."""


class Uses:
    """Times of last use in Unix seconds, by key fingerprint.

    Both methods block, and raise UsesUnreadable and StoreTooNew.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    def note(self, uses: Mapping[str, float]) -> None:
        try:
            make_file(self._path)
        except OSError as exc:
            raise UsesUnreadable(f"{self._path} cannot be made ({exc.strerror}).") from exc
        with self._opened() as db:
            db.executemany(USED, uses.items())

    def read(self) -> dict[str, float]:
        """Return the times by fingerprint; empty if no gateway has written yet."""
        if not self._path.exists():
            return {}
        with self._opened() as db:
            return dict(db.execute("SELECT key, at FROM uses"))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file, and bring it forward; changes are committed when the context ends."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as db, db:
                versions = version_of(db, MIGRATIONS)
                versions.check(f"The file of the keys' last uses {self._path}")
                if versions.found < versions.known:
                    db.execute("BEGIN IMMEDIATE")
                    migrate(db, MIGRATIONS)
                yield db
        except sqlite3.Error as exc:
            raise UsesUnreadable(f"{self._path} cannot be used ({exc}).") from exc


def recorded_in(directory: Path) -> dict[str, float]:
    """Return the times as `read` does, of a file that is not changed. Raise UsesUnreadable."""
    path = directory.absolute() / NAME
    if not path.exists():
        return {}
    try:
        uri = f"{path.as_uri()}?mode=rw"  # a connection that may not write leaves SQLite's own files behind
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as db:
            return dict(db.execute("SELECT key, at FROM uses"))
    except sqlite3.Error as exc:
        raise UsesUnreadable(f"{path} cannot be used ({exc}).") from exc

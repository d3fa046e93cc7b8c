"""The tables of the store in a SQLite file, and the file itself: it may be deleted at any time, and is made again."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.files import make_file
from gateway.shared_cache.call_names import FORMAT
from gateway.shared_cache.store_port import StoreProblem

# Seconds for which a statement waits for other processes of this host.
BUSY_SECONDS = 0.25
PAGE_BYTES = 4_096
TABLES = """
CREATE TABLE IF NOT EXISTS epoch (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    name TEXT PRIMARY KEY, alias TEXT, value BLOB, fresh_until REAL NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (expires_at);
CREATE TABLE IF NOT EXISTS locks (name TEXT PRIMARY KEY, token TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
    number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, count INTEGER NOT NULL, subjects TEXT NOT NULL,
    message BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS releases (number INTEGER PRIMARY KEY AUTOINCREMENT, lock TEXT NOT NULL);
"""
PROBLEMS = {
    sqlite3.SQLITE_FULL: StoreProblem.FULL,
    sqlite3.SQLITE_READONLY: StoreProblem.READ_ONLY,
    sqlite3.SQLITE_BUSY: StoreProblem.SLOW,
    sqlite3.SQLITE_LOCKED: StoreProblem.SLOW,
    sqlite3.SQLITE_CORRUPT: StoreProblem.DAMAGED,
    sqlite3.SQLITE_NOTADB: StoreProblem.DAMAGED,
    sqlite3.SQLITE_CANTOPEN: StoreProblem.UNREACHABLE,
    sqlite3.SQLITE_PERM: StoreProblem.REFUSED,
}


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, and make its tables. A file of another version is made empty. Raise sqlite3.Error and OSError."""
    make_file(path)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # After a power failure the last values may be missing; `synchronous` is for what must not be.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone() not in ((0,), (FORMAT,)):
            for table in ("epoch", "answers", "locks", "log", "releases"):
                db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in TABLES.split(";"):
            db.execute(statement)
        if db.execute("SELECT 1 FROM epoch").fetchone() is None:
            db.execute("INSERT INTO epoch VALUES (?)", [secrets.token_hex(8)])
        db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def remove(path: Path) -> None:
    """Remove the file with all that belongs to it. Raise OSError."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def synchronous(db: sqlite3.Connection) -> Iterator[None]:
    """Have transactions within the context be on the disk when they end."""
    db.execute("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        db.execute("PRAGMA synchronous = NORMAL")


def problem_of(error: Exception) -> StoreProblem:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return StoreProblem.UNREACHABLE if isinstance(error, OSError) else StoreProblem.FAILING
    return PROBLEMS.get(code & 0xFF, StoreProblem.FAILING)

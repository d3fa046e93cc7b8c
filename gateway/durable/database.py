"""Connections to the database of workflows: SQLite or PostgreSQL, by its SQLAlchemy URL."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

POOL = 10
SWITCHES = 50
# Deleted data is overwritten, and a commit is on the disk when it returns: a finished step stays finished.
PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")


def engine(url: str, *, patience: float) -> sa.Engine:
    """Return an engine, without connecting. `patience` is how long a statement waits for locks, in seconds.

    Errors never quote parameters: a parameter may be data that is to be encrypted.
    """
    if url.startswith("sqlite"):
        created = sa.create_engine(url, pool_size=POOL, max_overflow=0, pool_timeout=patience, hide_parameters=True)
        sa.event.listen(created, "connect", lambda connection, _: _prepare(connection, patience))
        return created
    milliseconds = str(int(patience * 1_000))
    return sa.create_engine(
        url,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=patience,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(2, int(patience)),
            "tcp_user_timeout": milliseconds,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        },
    )


def close(engine: sa.Engine) -> None:
    """Close the idle connections, and each connection that a thread still uses as soon as it is returned."""
    sa.event.listen(engine.pool, "checkin", lambda _, record: record.invalidate())
    engine.dispose()


def _prepare(connection: Any, patience: float) -> None:
    # A writing transaction takes the write lock when it begins, so it cannot fail half-way on a busy database.
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout = {int(patience * 1_000)}")
    _write_ahead(connection)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging.

    The switch ignores `busy_timeout` while other connections switch, so it waits by an empty transaction.
    """
    for _ in range(SWITCHES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    raise sqlite3.OperationalError("database is locked")

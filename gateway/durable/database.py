"""Connections to the database of the flows: SQLite or PostgreSQL, by its SQLAlchemy URL."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

POOL = 10
SWITCHES = 50
# What is deleted is overwritten, and a commit is on the disk when it returns: a step that is done stays done.
PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")


def engine(url: str, *, patience: float) -> sa.Engine:
    """Nothing is connected yet. `patience` is how long a statement waits for others, in seconds.

    No parameter is quoted in an error: it may be what was to be sealed.
    """
    if url.startswith("sqlite"):
        made = sa.create_engine(url, pool_size=POOL, max_overflow=0, pool_timeout=patience, hide_parameters=True)
        sa.event.listen(made, "connect", lambda connection, _: _prepare(connection, patience))
        return made
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
    """Closes the connections that are free, and each that a thread still uses as soon as it is returned."""
    sa.event.listen(engine.pool, "checkin", lambda _, record: record.invalidate())
    engine.dispose()


def _prepare(connection: Any, patience: float) -> None:
    # A transaction that will write takes its turn when it begins: it cannot be refused half-way.
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout = {int(patience * 1_000)}")
    _write_ahead(connection)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Unlike all else, the switch does not wait for others who switch at the same time: a transaction does."""
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

"""Connections to a database of the gateway's: SQLite or PostgreSQL, by its SQLAlchemy URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.durable.store_migrations import migrate
from gateway.errors import FlowsUnavailable
from gateway.files import Identity, identity, make_file

AT_ONCE = 500  # rows that one transaction deletes

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


@dataclass(frozen=True, slots=True)
class DatabaseUse:
    """The use of a database.

    `migrate` brings its tables forward, and raises StoreTooNew. `making` is an arbitrary number, equal in each process:
    the advisory lock under which one process creates the tables. `unavailable` is the error of a transaction, with
    one of the sentences `retry` and, of a file that was deleted or replaced, `lost`.
    """

    migrate: Callable[[sa.Connection], None]
    making: int
    unavailable: type[Exception]
    retry: str
    lost: str


FLOWS = DatabaseUse(
    migrate,
    0x6869_6768,
    FlowsUnavailable,
    "Flows cannot be started or read now, and nothing was started: retry later.",
    "The file of the flows was deleted or replaced: put it back, and start again.",
)


class Database:
    """A database for one use. Transactions raise the error of that use if it is unavailable."""

    def __init__(self, url: str, *, patience: float, use: DatabaseUse = FLOWS) -> None:
        self._use = use
        self._engine = engine(url, patience=patience)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._path = Path(str(self._engine.url.database)) if self.is_sqlite else None
        self._opened: Identity = None
        self._is_lost = False

    def close(self) -> None:
        close(self._engine)

    def prepare(self, check: Callable[[sa.Connection], None] = lambda _: None) -> None:
        """Bring the tables forward and `check` them, in one transaction of one process at a time. Raise StoreTooNew."""
        if self._path is not None:
            with suppress(OSError):  # SQLite would create it, readable by all; it also reports errors
                make_file(self._path)
        with self.transaction() as db:
            if self.is_sqlite:
                db.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(self._use.making)))
            self._use.migrate(db)
            check(db)
        if self._path is not None:
            self._opened = identity(self._path)

    def ping(self) -> None:
        """Check that the database can be written, without writing."""
        with self.transaction() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "SELECT 1")

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        self._check_file()
        try:
            with self._engine.begin() as db:
                yield db
        except (sa.exc.SQLAlchemyError, OSError) as exc:
            raise self._use.unavailable(self._use.retry) from exc

    def insert(self, table: sa.Table) -> Any:
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def upsert(self, db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            insert = self.insert(table)
            values = {name: insert.excluded[name] for name in rows[0] if name not in table.primary_key.columns}
            db.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values), list(rows))

    def truncate_log(self) -> None:
        """Empty SQLite's write-ahead log, which still holds deleted data; while others read, a later call does it."""
        if self.is_sqlite:
            with self.transaction() as db:
                db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _check_file(self) -> None:
        """Raise the error if the file was deleted or replaced: data written to it is lost with the process.

        The error is permanent: once the file is back, some connections may lead to it and others to its replacement.
        """
        if self._path is not None and self._opened not in (None, identity(self._path)):
            self._is_lost = True
        if self._is_lost:
            raise self._use.unavailable(self._use.lost)

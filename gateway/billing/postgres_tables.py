"""Tables of the gateway in PostgreSQL that are created and brought forward by their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg import sql

from gateway.migrations import ABSENT, Migration, StoreVersion, Version, known, pending
from gateway.version import version

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

EXISTS = "SELECT to_regclass(%s) IS NOT NULL"
LATEST = "SELECT major, minor, gateway FROM {} ORDER BY major DESC, minor DESC LIMIT 1"
APPLIED = "INSERT INTO {} (major, minor, gateway) VALUES (%s, %s, %s)"


def statements(major: int, minor: int, *texts: LiteralString) -> Migration[Connection]:
    """Return a migration by these statements."""

    def apply(db: Connection) -> None:
        for text in texts:
            db.execute(text)

    return Migration(Version(major, minor), apply)


@dataclass(frozen=True, slots=True)
class PostgresTables:
    """Tables that have one version, which is in the table `record`.

    `title` begins the message about tables that are too new. `making` is an arbitrary number, equal in each process:
    the advisory lock under which one process creates the tables.
    """

    title: str
    record: str
    making: int
    migrations: Sequence[Migration[Connection]]

    def version_of(self, db: Connection) -> StoreVersion:
        """Return the version of the tables in a database. This only reads. Raise psycopg.Error."""
        found, writer = ABSENT, None
        if first(db, EXISTS, self.record) and (row := db.execute(self._named(LATEST)).fetchone()):
            found, writer = Version(row[0], row[1]), str(row[2])
        return StoreVersion(found, known(self.migrations), writer)

    def migrate(self, db: Connection) -> None:
        """Bring the tables forward, in a transaction of one process at a time. Raise StoreTooNew and psycopg.Error."""
        db.execute("SELECT pg_advisory_xact_lock(%s)", [self.making])
        versions = self.version_of(db)
        versions.check(self.title)
        for migration in pending(self.migrations, versions.found):
            migration.apply(db)
            db.execute(self._named(APPLIED), [*migration.version, version()])

    def _named(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(sql.Identifier(self.record))


def first(db: Connection, query: LiteralString, *values: object) -> Any:
    """Return the first column of the only row. Raise psycopg.Error."""
    row = db.execute(query, values).fetchone()
    assert row is not None, "the query has one row"
    return row[0]

"""The ledger's tables in PostgreSQL, and their versions."""

from __future__ import annotations

from typing import Any, LiteralString, TypeAlias

import psycopg

from gateway.migrations import ABSENT, Migration, StoreVersion, Version, known, pending
from gateway.version import version

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

TITLE = "The ledger in PostgreSQL"
# An arbitrary number, equal in each process: the advisory lock under which one process creates the tables.
MAKING = 0x6C65_6467


def _statements(major: int, minor: int, *texts: LiteralString) -> Migration[Connection]:
    def apply(db: Connection) -> None:
        for text in texts:
            db.execute(text)

    return Migration(Version(major, minor), apply)


MIGRATIONS = (
    _statements(
        1,
        0,
        """CREATE TABLE gateway_ledger_leases (
        client text NOT NULL, "window" text NOT NULL, start bigint NOT NULL, leased bigint NOT NULL,
        PRIMARY KEY (client, "window", start))""",
        """CREATE TABLE gateway_ledger_spending (
        day date NOT NULL, client text NOT NULL, endpoint text NOT NULL, calls bigint NOT NULL, billed bigint NOT NULL,
        PRIMARY KEY (day, client, endpoint))""",
        """CREATE TABLE gateway_ledger_processes (
        process uuid PRIMARY KEY, round bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())""",
        "CREATE TABLE gateway_ledger_moves (source uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
        """CREATE TABLE gateway_ledger_migrations (
        major integer NOT NULL, minor integer NOT NULL, gateway text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (major, minor))""",
    ),
)

HAS_RECORD = "SELECT to_regclass('gateway_ledger_migrations') IS NOT NULL"
LATEST = "SELECT major, minor, gateway FROM gateway_ledger_migrations ORDER BY major DESC, minor DESC LIMIT 1"
APPLIED = "INSERT INTO gateway_ledger_migrations (major, minor, gateway) VALUES (%s, %s, %s)"
MADE = "SELECT extract(epoch FROM min(applied_at))::float8 FROM gateway_ledger_migrations"


def version_of(db: Connection) -> StoreVersion:
    """Return the version of the ledger in a database. This only reads. Raise psycopg.Error."""
    found, writer = ABSENT, None
    if _first(db, HAS_RECORD) and (row := db.execute(LATEST).fetchone()):
        found, writer = Version(row[0], row[1]), str(row[2])
    return StoreVersion(found, known(MIGRATIONS), writer)


def migrate(db: Connection) -> None:
    """Bring the tables forward, in a transaction of one process at a time. Raise StoreTooNew and psycopg.Error."""
    db.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])
    versions = version_of(db)
    versions.check(TITLE)
    for migration in pending(MIGRATIONS, versions.found):
        migration.apply(db)
        db.execute(APPLIED, [*migration.version, version()])


def made(db: Connection) -> float:
    """Return when the tables were made, in Unix seconds. Raise psycopg.Error."""
    return float(_first(db, MADE))


def _first(db: Connection, query: LiteralString) -> Any:
    row = db.execute(query).fetchone()
    assert row is not None, "the query has one row"
    return row[0]

"""The ledger's tables in PostgreSQL, and their versions."""

from __future__ import annotations

from gateway.billing.postgres_tables import Connection, PostgresTables, first, statements
from gateway.migrations import StoreVersion

TITLE = "The ledger in PostgreSQL"

MIGRATIONS = (
    statements(
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
TABLES = PostgresTables(TITLE, "gateway_ledger_migrations", 0x6C65_6467, MIGRATIONS)

MADE = "SELECT extract(epoch FROM min(applied_at))::float8 FROM gateway_ledger_migrations"


def version_of(db: Connection) -> StoreVersion:
    """Return the version of the ledger in a database. This only reads. Raise psycopg.Error."""
    return TABLES.version_of(db)


def migrate(db: Connection) -> None:
    """Bring the tables forward, in a transaction of one process at a time. Raise StoreTooNew and psycopg.Error."""
    TABLES.migrate(db)


def made(db: Connection) -> float:
    """Return when the tables were made, in Unix seconds. Raise psycopg.Error."""
    return float(first(db, MADE))

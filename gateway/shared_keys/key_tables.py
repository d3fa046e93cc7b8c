"""The tables of the shared keys in PostgreSQL.

`gateway_keys` has the keys themselves, and the salt of the fingerprints. `gateway_key_uses` says which key each process
uses, by a fingerprint of which the key cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.billing.postgres_tables import Connection, PostgresTables, first, statements

TITLE = "The keys in PostgreSQL"
MIGRATIONS = (
    statements(
        1,
        0,
        "CREATE TABLE gateway_keys (name text PRIMARY KEY, key bytea NOT NULL, made_at timestamptz DEFAULT now())",
        """CREATE TABLE gateway_key_uses (
        process uuid NOT NULL, name text NOT NULL, host text NOT NULL, fingerprint text NOT NULL,
        seen_at timestamptz NOT NULL, PRIMARY KEY (process, name))""",
        """CREATE TABLE gateway_key_migrations (
        major integer NOT NULL, minor integer NOT NULL, gateway text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (major, minor))""",
    ),
)
# An arbitrary number, equal in each process: the advisory lock under which keys are compared and tables created.
LOCK = 0x6B65_7973
TABLES = PostgresTables(TITLE, "gateway_key_migrations", LOCK, MIGRATIONS)
# A process is taken for running until it has not been seen for so long.
SEEN_SECONDS = 60

ADD = "INSERT INTO gateway_keys (name, key) VALUES (%s, %s) ON CONFLICT DO NOTHING"
READ = "SELECT name, key FROM gateway_keys"
LOCKED = "SELECT pg_advisory_xact_lock(%s)"
OTHERS = """SELECT DISTINCT process, name, host, fingerprint FROM gateway_key_uses
    WHERE process <> %s AND seen_at > now() - make_interval(secs => %s) ORDER BY host, process"""
USE = """INSERT INTO gateway_key_uses (process, name, host, fingerprint, seen_at) VALUES (%s, %s, %s, %s, now())
    ON CONFLICT (process, name) DO UPDATE SET fingerprint = excluded.fingerprint, seen_at = excluded.seen_at"""
END = "DELETE FROM gateway_key_uses WHERE process = %s OR seen_at < now() - interval '1 day'"
HAS_PROBE = "SELECT to_regclass('gateway_flow_keys') IS NOT NULL"
PROBE = "SELECT probe FROM gateway_flow_keys LIMIT 1"


class KeyUse(NamedTuple):
    """The use of a key by a running process."""

    process: str
    name: str
    host: str
    fingerprint: str


def keys_in(db: Connection) -> dict[str, bytes]:
    """Return all keys by their names."""
    return {str(name): bytes(key) for name, key in db.execute(READ).fetchall()}


def add(db: Connection, name: str, key: bytes) -> None:
    """Add a key, unless another process was faster."""
    db.execute(ADD, [name, key])


def probe_in(db: Connection) -> str | None:
    """Return a text that the key of the flows decrypts; None if nothing was encrypted yet."""
    if not first(db, HAS_PROBE):
        return None
    row = db.execute(PROBE).fetchone()
    return None if row is None else str(row[0])


def lock(db: Connection) -> None:
    """Let no other process compare its keys until the transaction has ended."""
    db.execute(LOCKED, [LOCK])


def uses_of_others(db: Connection, process: str) -> list[KeyUse]:
    rows = db.execute(OTHERS, [process, SEEN_SECONDS]).fetchall()
    return [KeyUse(*map(str, row)) for row in rows]


def use(db: Connection, process: str, host: str, fingerprints: Mapping[str, str]) -> None:
    rows: Iterable[list[str]] = ([process, name, host, found] for name, found in fingerprints.items())
    with db.cursor() as cursor:
        cursor.executemany(USE, rows)


def end(db: Connection, process: str) -> None:
    """Delete the rows of a process, and those of processes that ended long ago."""
    db.execute(END, [process])

"""The accounts in a SQLite file of the data directory, which the processes of one machine share."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

from gateway.accounts.account_database import VAULT_TABLE, AccountTransaction, Rows
from gateway.errors import AccountsUnavailable, Unusable
from gateway.files import make_file, make_folder
from gateway.migrations import ABSENT, StoreVersion, known, migrate, opened_for_reading, statements, version_of

FILE = "accounts.sqlite3"
TITLE = "The file of the accounts"
BUSY_SECONDS = 5.0
# Leases end by the clock of the machine.
NOW = "(julianday('now') - 2440587.5) * 86400.0"

MIGRATIONS = (
    statements(
        1,
        0,
        """CREATE TABLE gateway_accounts (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, username TEXT NOT NULL, provider TEXT NOT NULL,
        state TEXT NOT NULL, scopes TEXT NOT NULL, connected_at REAL NOT NULL, token_since REAL NOT NULL,
        expires_at REAL, refresh_at REAL, version INTEGER NOT NULL, key_id TEXT, data_key BLOB, token BLOB)""",
        """CREATE TABLE gateway_account_connections (
        digest TEXT PRIMARY KEY, client TEXT NOT NULL, provider TEXT NOT NULL, return_to TEXT NOT NULL,
        scopes TEXT NOT NULL, reconnect TEXT, expires_at REAL NOT NULL,
        key_id TEXT NOT NULL, data_key BLOB NOT NULL, verifier BLOB NOT NULL)""",
        "CREATE TABLE gateway_account_leases (name TEXT PRIMARY KEY, token INTEGER NOT NULL, expires_at REAL NOT NULL)",
        VAULT_TABLE,
    ),
    statements(1, 1, "ALTER TABLE gateway_accounts ADD COLUMN rests_until REAL"),
)


class SqliteAccounts:
    """The file of a data directory. Deleted content is overwritten."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE

    def is_absent(self) -> bool:
        return not self._path.exists()

    def exists(self) -> bool:
        return not self.is_absent()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[AccountTransaction]:
        try:
            make_folder(self._path.parent)
            make_file(self._path)
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA secure_delete = ON")
                db.execute("PRAGMA synchronous = FULL")
                db.execute("BEGIN IMMEDIATE")
                version_of(db, MIGRATIONS).check(f"{TITLE} {self._path}")
                migrate(db, MIGRATIONS)
                yield _SqliteTransaction(db)
                db.execute("COMMIT")
        except OSError as exc:
            raise Unusable(f"{TITLE} {self._path} cannot be made: {exc.strerror}.") from exc
        except sqlite3.OperationalError as exc:
            raise AccountsUnavailable("The connected accounts cannot be read now. Try again later.") from exc
        except sqlite3.DatabaseError as exc:
            raise Unusable(f"{TITLE} {self._path} cannot be used ({exc}): restore it from a backup.") from exc


class _SqliteTransaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def run(self, statement: LiteralString, *values: object) -> Rows:
        return self._db.execute(statement.replace("NOW", NOW), values).fetchall()

    def count(self, statement: LiteralString, *values: object) -> int:
        return self._db.execute(statement.replace("NOW", NOW), values).rowcount


def version_in_file(directory: Path) -> StoreVersion:
    """Return the version of the file in a data directory. This only reads. Raise sqlite3.Error."""
    path = directory / FILE
    if not path.exists():
        return StoreVersion(ABSENT, known(MIGRATIONS))
    with contextlib.closing(opened_for_reading(path)) as db:
        return version_of(db, MIGRATIONS)


def key_ids_in(path: Path) -> set[str]:
    """Return the ids of the keys that the secrets of a copied file need. Raise sqlite3.Error."""
    with contextlib.closing(opened_for_reading(path)) as db:
        rows = db.execute(
            """SELECT key_id FROM gateway_accounts WHERE key_id IS NOT NULL
            UNION SELECT key_id FROM gateway_account_connections UNION SELECT key_id FROM gateway_account_vault"""
        ).fetchall()
    return {str(key_id) for (key_id,) in rows}

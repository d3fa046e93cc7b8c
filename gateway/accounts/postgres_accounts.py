"""The accounts in PostgreSQL, which several hosts share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import LiteralString

from gateway.accounts.account_database import VAULT_TABLE, AccountTransaction, Rows
from gateway.billing.postgres_connection import opened
from gateway.billing.postgres_tables import Connection, PostgresTables, statements
from gateway.errors import AccountsUnavailable, Unusable
from gateway.migrations import ABSENT, StoreVersion

TITLE = "The accounts in PostgreSQL"
# Leases end by the clock of the database.
NOW = "extract(epoch FROM clock_timestamp())::float8"

MIGRATIONS = (
    statements(
        1,
        0,
        """CREATE TABLE gateway_accounts (
        id text PRIMARY KEY, user_id text NOT NULL UNIQUE, username text NOT NULL, provider text NOT NULL,
        state text NOT NULL, scopes text NOT NULL, connected_at float8 NOT NULL, token_since float8 NOT NULL,
        expires_at float8, refresh_at float8, version bigint NOT NULL, key_id text, data_key bytea, token bytea)""",
        """CREATE TABLE gateway_account_connections (
        digest text PRIMARY KEY, client text NOT NULL, provider text NOT NULL, return_to text NOT NULL,
        scopes text NOT NULL, reconnect text, expires_at float8 NOT NULL,
        key_id text NOT NULL, data_key bytea NOT NULL, verifier bytea NOT NULL)""",
        """CREATE TABLE gateway_account_leases (
        name text PRIMARY KEY, token bigint NOT NULL, expires_at float8 NOT NULL)""",
        VAULT_TABLE,
        "CREATE TABLE gateway_account_keys (position integer PRIMARY KEY, key bytea NOT NULL)",
        """CREATE TABLE gateway_account_migrations (
        major integer NOT NULL, minor integer NOT NULL, gateway text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (major, minor))""",
    ),
    statements(1, 1, "ALTER TABLE gateway_accounts ADD COLUMN rests_until float8"),
)
# An arbitrary number, equal in each process: the advisory lock under which the tables are created.
LOCK = 0x6163_6374
TABLES = PostgresTables(TITLE, "gateway_account_migrations", LOCK, MIGRATIONS)


class PostgresAccounts:
    """Tables in the database at `url`, which several hosts share."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_prepared = False

    def is_absent(self) -> bool:
        return False

    def exists(self) -> bool:
        return self._is_prepared or version_in(self._url).found != ABSENT

    @contextlib.contextmanager
    def transaction(self) -> Iterator[AccountTransaction]:
        with accounts_opened(self._url) as db:
            if not self._is_prepared:
                TABLES.migrate(db)
                db.commit()
                self._is_prepared = True
            yield _PostgresTransaction(db)
            db.commit()


class _PostgresTransaction:
    def __init__(self, db: Connection) -> None:
        self._db = db

    def run(self, statement: LiteralString, *values: object) -> Rows:
        return self._db.execute(_for_postgres(statement), values).fetchall()

    def count(self, statement: LiteralString, *values: object) -> int:
        return self._db.execute(_for_postgres(statement), values).rowcount


def _for_postgres(statement: LiteralString) -> LiteralString:
    return statement.replace("?", "%s").replace("NOW", NOW)


def accounts_opened(url: str) -> AbstractContextManager[Connection]:
    """Open a connection for one transaction. Raise AccountsUnavailable and Unusable."""
    return opened(
        url,
        lambda message: Unusable(f"{TITLE} cannot be used ({message}): the role must own them."),
        lambda: AccountsUnavailable("The connected accounts cannot be read now. Try again later."),
    )


def version_in(url: str) -> StoreVersion:
    """Return the version of the tables. This only reads. Raise AccountsUnavailable and Unusable."""
    with accounts_opened(url) as db:
        return TABLES.version_of(db)

"""The port to the database of the accounts: transactions of one set of statements, in SQLite or in PostgreSQL."""

from __future__ import annotations

import contextlib
from typing import Any, LiteralString, Protocol, TypeAlias

Rows: TypeAlias = list[tuple[Any, ...]]
# One row: the key that wraps the data keys of new secrets.
VAULT_TABLE = "CREATE TABLE gateway_account_vault (id integer PRIMARY KEY CHECK (id = 1), key_id text NOT NULL)"


class AccountTransaction(Protocol):
    """A transaction. Its statements have `?` for each value, and `NOW` for the time in Unix seconds."""

    def run(self, statement: LiteralString, *values: object) -> Rows:
        """Run a statement, and return its rows."""

    def count(self, statement: LiteralString, *values: object) -> int:
        """Run a statement, and return how many rows it changed."""


class AccountDatabase(Protocol):
    """A database. It is opened for each transaction: only connecting, refreshing and publishing need it."""

    def is_absent(self) -> bool:
        """Return whether it is certain that the store was never used. Does not block."""

    def exists(self) -> bool:
        """Return whether the store was ever used. Blocks. Raise AccountsUnavailable and Unusable."""

    def transaction(self) -> contextlib.AbstractContextManager[AccountTransaction]:
        """Begin a transaction, which is committed when the context ends without an error.

        Writers of a SQLite file take turns. Blocks. Raise AccountsUnavailable and Unusable.
        """

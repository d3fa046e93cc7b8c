"""The key-encryption keys of gateways that share PostgreSQL, where no setting has them.

A copy of that database is enough to read the tokens: GATEWAY_VAULT_KEY keeps the key apart from them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from gateway.accounts.account_database import AccountDatabase, AccountTransaction
from gateway.accounts.vault.key_place import KEY_BYTES

READ = "SELECT key FROM gateway_account_keys ORDER BY position DESC"
FIRST = "INSERT INTO gateway_account_keys (position, key) VALUES (0, ?) ON CONFLICT DO NOTHING"
CLEAR = "DELETE FROM gateway_account_keys"
ADD = "INSERT INTO gateway_account_keys (position, key) VALUES (?, ?)"


class SharedVaultKeys:
    """The keys in PostgreSQL. Methods raise AccountsUnavailable and Unusable."""

    def __init__(self, database: AccountDatabase) -> None:
        self._database = database

    def exists(self) -> bool:
        with self._database.transaction() as db:
            return bool(db.run(READ))

    def read(self) -> list[bytes]:
        with self._database.transaction() as db:
            return _keys(db)

    def write(self, keys: Sequence[bytes]) -> None:
        with self._database.transaction() as db:
            db.count(CLEAR)
            for position, key in enumerate(reversed(keys)):
                db.count(ADD, position, key)


def _keys(db: AccountTransaction) -> list[bytes]:
    """Return the keys, of which there is one at least."""
    found = db.run(READ)
    if not found:
        db.count(FIRST, secrets.token_bytes(KEY_BYTES))
        found = db.run(READ)
    return [bytes(key) for (key,) in found]

"""Rotation of the key-encryption key, while gateways serve.

1. A key is added beside the others, where all gateways find it, and becomes the current one for new secrets.
2. Each data key is wrapped by it in place of the key of before. The secrets themselves are not touched.
3. When no data key is wrapped by another key, the other keys are deleted.

A rotation that was killed leaves all keys that are in use: another one completes it.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.accounts.account_database import AccountTransaction
from gateway.accounts.account_store import AccountStore, current_key
from gateway.accounts.vault.envelope import Encrypted
from gateway.errors import Unusable

MAKE_CURRENT = "UPDATE gateway_account_vault SET key_id = ? WHERE id = 1"
OF_ACCOUNTS = """SELECT id, key_id, data_key FROM gateway_accounts
    WHERE key_id IS NOT NULL AND key_id <> ? ORDER BY id LIMIT 1"""
OF_PENDING = """SELECT digest, key_id, data_key FROM gateway_account_connections
    WHERE key_id <> ? ORDER BY digest LIMIT 1"""
# The version of an account stays: its token does.
WRAP_ACCOUNT = "UPDATE gateway_accounts SET key_id = ?, data_key = ? WHERE id = ? AND data_key = ?"
WRAP_PENDING = "UPDATE gateway_account_connections SET key_id = ?, data_key = ? WHERE digest = ? AND data_key = ?"
# The points at which a test kills a rotation.
ADDED, CURRENT, WRAPPED, DELETED = "added", "current", "wrapped", "deleted"


def rotate(store: AccountStore, at: Callable[[str], None] = lambda point: None) -> tuple[str, int]:
    """Rotate the key, and return the id of the new one and how many data keys were wrapped by it.

    `at` is called at each point. Blocks. Raise AccountsUnavailable and Unusable.
    """
    keys = store.envelope.keys
    with store.database.transaction() as db:
        newest = keys.ids()[0]
        if current_key(db, newest) == newest:
            newest = keys.add()
            at(ADDED)
        db.count(MAKE_CURRENT, newest)
    at(CURRENT)
    count = 0
    while _wrap_next(store, newest):
        count += 1
        at(WRAPPED)
    with store.database.transaction() as db:
        _check_current(db, newest)
        if not (db.run(OF_ACCOUNTS, newest) or db.run(OF_PENDING, newest)):
            keys.keep_only(newest)
    at(DELETED)
    return newest, count


def _wrap_next(store: AccountStore, key_id: str) -> bool:
    """Wrap one data key by the current key, and return whether there was one that it does not wrap."""
    with store.database.transaction() as db:
        _check_current(db, key_id)
        for query, update in ((OF_ACCOUNTS, WRAP_ACCOUNT), (OF_PENDING, WRAP_PENDING)):
            for subject, old, data_key in db.run(query, key_id):
                wrapped = store.envelope.wrapped_by(key_id, subject, Encrypted(old, bytes(data_key), b""))
                db.count(update, key_id, wrapped.data_key, subject, data_key)
                return True
    return False


def _check_current(db: AccountTransaction, key_id: str) -> None:
    if current_key(db, key_id) != key_id:
        raise Unusable("Another rotation has begun meanwhile, and completes this one.")

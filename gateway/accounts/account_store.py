"""The store of connected accounts and of their encrypted tokens.

Each change of an account raises its version. A change that depends on a record names the record's version, and is not
made if another process was faster. A secret is stored only under the key that the store names as the current one, which
is checked in the same transaction: so a rotation of the keys misses none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from gateway.accounts.account_database import AccountDatabase, AccountTransaction
from gateway.accounts.account_records import AccountRecord, PendingConnection, StoredState, TooManyPending
from gateway.accounts.vault.envelope import Encrypted, EnvelopeCipher
from gateway.accounts.vault.key_encryption import VaultKeyMissing

PURPOSES = TOKEN, VERIFIER = ("token", "verifier")
MOST_PENDING = 1_000

ALL = """SELECT id, user_id, username, provider, state, scopes, connected_at, token_since, expires_at, refresh_at,
    version, rests_until FROM gateway_accounts ORDER BY connected_at, id"""
ONE = """SELECT id, user_id, username, provider, state, scopes, connected_at, token_since, expires_at, refresh_at,
    version, rests_until, key_id, data_key, token FROM gateway_accounts WHERE id = ?"""
SAVE = """INSERT INTO gateway_accounts AS account (id, user_id, username, provider, state, scopes, connected_at,
    token_since, expires_at, refresh_at, version, key_id, data_key, token)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, username = excluded.username,
    provider = excluded.provider, state = excluded.state, scopes = excluded.scopes,
    connected_at = excluded.connected_at, token_since = excluded.token_since, expires_at = excluded.expires_at,
    refresh_at = excluded.refresh_at, version = account.version + 1, key_id = excluded.key_id,
    data_key = excluded.data_key, token = excluded.token, rests_until = NULL"""
# The platform gave the id to another user.
UNNAME = "DELETE FROM gateway_accounts WHERE user_id = ? AND id <> ?"
REFRESHED = """UPDATE gateway_accounts SET token_since = ?, expires_at = ?, refresh_at = ?, version = version + 1,
    key_id = ?, data_key = ?, token = ? WHERE id = ? AND version = ? AND state = 'CONNECTED'"""
DELAYED = "UPDATE gateway_accounts SET refresh_at = ?, version = version + 1 WHERE id = ? AND version = ?"
# The version stays: the token does, and a refresh that is in progress.
REST = "UPDATE gateway_accounts SET rests_until = ? WHERE id = ? AND state = 'CONNECTED'"
LAPSED = """UPDATE gateway_accounts SET state = 'RECONNECT_REQUIRED', refresh_at = NULL, version = version + 1
    WHERE id = ? AND version = ? AND state = 'CONNECTED'"""
FORGOTTEN = """UPDATE gateway_accounts SET state = ?, expires_at = NULL, refresh_at = NULL, version = version + 1,
    key_id = NULL, data_key = NULL, token = NULL WHERE id = ? AND state <> ?"""
ERASE = "DELETE FROM gateway_accounts WHERE id = ?"
ERASE_LEASES = "DELETE FROM gateway_account_leases WHERE name LIKE ?"
ERASE_PENDING = "DELETE FROM gateway_account_connections WHERE reconnect = ?"
BEGIN = """INSERT INTO gateway_account_connections
    (digest, client, provider, return_to, scopes, reconnect, expires_at, key_id, data_key, verifier)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
OUTDATED = "DELETE FROM gateway_account_connections WHERE expires_at <= ?"
COUNT = "SELECT count(*) FROM gateway_account_connections WHERE client = ?"
TAKE = """DELETE FROM gateway_account_connections WHERE digest = ?
    RETURNING digest, client, provider, return_to, scopes, reconnect, expires_at, key_id, data_key, verifier"""
FIRST_KEY = "INSERT INTO gateway_account_vault (id, key_id) VALUES (1, ?) ON CONFLICT DO NOTHING"
# An update locks the row until the end of the transaction, in both databases.
CURRENT_KEY = "UPDATE gateway_account_vault SET key_id = key_id WHERE id = 1 RETURNING key_id"
LEASE = """INSERT INTO gateway_account_leases AS lease (name, token, expires_at) VALUES (?, 1, NOW + ?)
    ON CONFLICT (name) DO UPDATE SET token = lease.token + 1, expires_at = excluded.expires_at
    WHERE lease.expires_at <= NOW RETURNING token"""
HELD = "UPDATE gateway_account_leases SET token = token WHERE name = ? AND token = ? AND expires_at > NOW"
RELEASE = "UPDATE gateway_account_leases SET expires_at = 0 WHERE name = ? AND token = ?"


class StoreLease(NamedTuple):
    """A lease. `token` is another one each time it is taken."""

    name: str
    token: int


class AccountStore:
    """The store over a database. Methods block, and raise AccountsUnavailable and Unusable."""

    def __init__(self, database: AccountDatabase, envelope: EnvelopeCipher) -> None:
        self.database = database
        self.envelope = envelope

    def open(self) -> None:
        """Create the tables or bring them forward, and agree on the key. Raise VaultKeyMissing for a wrong key."""
        keys = self.envelope.keys
        newest = keys.ids()[0]
        with self.database.transaction() as db:
            current = current_key(db, newest)
            if current not in keys.ids():
                raise VaultKeyMissing.of_vault()

    def accounts(self) -> list[AccountRecord]:
        """Return all accounts, those connected first before others."""
        with self.database.transaction() as db:
            return [_record(row) for row in db.run(ALL)]

    def account(self, id: str) -> AccountRecord | None:
        with self.database.transaction() as db:
            rows = db.run(ONE, id)
        return _record(rows[0]) if rows else None

    def token(self, id: str) -> tuple[AccountRecord, str] | None:
        """Return an account with its decrypted token; None if there is no such account, or no token of it.

        Raise VaultKeyMissing and VaultDamaged.
        """
        with self.database.transaction() as db:
            rows = db.run(ONE, id)
        if not rows or rows[0][14] is None:
            return None
        record, (key_id, data_key, text) = _record(rows[0]), rows[0][12:15]
        return record, self.envelope.decrypt(id, TOKEN, Encrypted(key_id, bytes(data_key), bytes(text)))

    def save(self, record: AccountRecord, token: str) -> None:
        """Store a newly connected account, in place of what is known of it."""
        with self.database.transaction() as db:
            sealed = self._encrypted(db, record.id, TOKEN, token)
            db.count(UNNAME, record.user_id, record.id)
            db.count(
                SAVE,
                *(record.id, record.user_id, record.username, record.provider, record.state.value),
                *(" ".join(record.scopes), record.connected_at, record.token_since),
                *(record.expires_at, record.refresh_at, *sealed),
            )

    def refreshed(self, record: AccountRecord, token: str, lease: StoreLease) -> bool:
        """Store a refreshed token, and return whether the account is unchanged and the lease is held."""
        with self.database.transaction() as db:
            if not db.count(HELD, *lease):
                return False
            sealed = self._encrypted(db, record.id, TOKEN, token)
            times = record.token_since, record.expires_at, record.refresh_at
            return db.count(REFRESHED, *times, *sealed, record.id, record.version) == 1

    def delay_refresh(self, record: AccountRecord, until: float) -> bool:
        """Store when the next attempt to refresh the token is made, in Unix seconds."""
        with self.database.transaction() as db:
            return db.count(DELAYED, until, record.id, record.version) == 1

    def rest(self, id: str, until: float) -> bool:
        """Store until when the platform restricts an account, and return whether it is connected."""
        with self.database.transaction() as db:
            return db.count(REST, until, id) == 1

    def lapse(self, record: AccountRecord) -> bool:
        """Store that the account must be reconnected, and return whether it was unchanged since it was read."""
        with self.database.transaction() as db:
            return db.count(LAPSED, record.id, record.version) == 1

    def forget_token(self, id: str, state: StoredState) -> bool:
        """Delete the token of an account, and return whether the account was in another state."""
        with self.database.transaction() as db:
            return db.count(FORGOTTEN, state.value, id, state.value) == 1

    def erase(self, id: str) -> bool:
        """Delete all that is known of an account, and return whether anything was."""
        with self.database.transaction() as db:
            db.count(ERASE_LEASES, f"%:{id}")
            db.count(ERASE_PENDING, id)
            return db.count(ERASE, id) == 1

    def begin(self, pending: PendingConnection, now: float) -> None:
        """Store a connection that was begun. Raise TooManyPending."""
        with self.database.transaction() as db:
            db.count(OUTDATED, now)
            if db.run(COUNT, pending.client)[0][0] >= MOST_PENDING:
                raise TooManyPending
            sealed = self._encrypted(db, pending.digest, VERIFIER, pending.verifier)
            db.count(
                BEGIN,
                *(pending.digest, pending.client, pending.provider, pending.return_to, " ".join(pending.scopes)),
                *(pending.reconnect, pending.expires_at, *sealed),
            )

    def take(self, digest: str) -> PendingConnection | None:
        """Return the connection with this digest, which nobody gets a second time; None if there is none."""
        with self.database.transaction() as db:
            rows = db.run(TAKE, digest)
        if not rows:
            return None
        _, client, provider, return_to, scopes, reconnect, expires_at, key_id, data_key, text = rows[0]
        verifier = self.envelope.decrypt(digest, VERIFIER, Encrypted(key_id, bytes(data_key), bytes(text)))
        return PendingConnection(
            digest, client, provider, return_to, tuple(scopes.split()), reconnect, expires_at, verifier
        )

    def lease(self, name: str, seconds: float) -> StoreLease | None:
        """Take a lease for so many seconds; None while another process has it."""
        with self.database.transaction() as db:
            rows = db.run(LEASE, name, seconds)
        return StoreLease(name, int(rows[0][0])) if rows else None

    def release(self, lease: StoreLease) -> None:
        with self.database.transaction() as db:
            db.count(RELEASE, *lease)

    def _encrypted(self, db: AccountTransaction, subject: str, purpose: str, secret: str) -> tuple[str, bytes, bytes]:
        """Encrypt under the current key, which no rotation changes until the transaction has ended."""
        key_id = current_key(db, self.envelope.keys.ids()[0])
        encrypted = self.envelope.encrypt(key_id, subject, purpose, secret)
        return encrypted.key_id, encrypted.data_key, encrypted.text


def current_key(db: AccountTransaction, newest: str) -> str:
    """Return the id of the current key, `newest` if there was none, and lock it for this transaction."""
    rows = db.run(CURRENT_KEY)
    if not rows:
        db.count(FIRST_KEY, newest)
        rows = db.run(CURRENT_KEY)
    return str(rows[0][0])


def _record(row: tuple[Any, ...]) -> AccountRecord:
    record = AccountRecord(*row[:12])
    return replace(record, state=StoredState(row[4]), scopes=tuple(row[5].split()))

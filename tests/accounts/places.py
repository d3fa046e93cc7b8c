"""Stores of accounts, and what tests put into them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.accounts.account_records import AccountRecord, PendingConnection, StoredState
from gateway.accounts.account_store import AccountStore
from gateway.accounts.sqlite_accounts import SqliteAccounts
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import LocalKeys
from gateway.accounts.vault.key_place import GivenKeys, KeyFile, KeyPlace

MakeStore = Callable[[], AccountStore]
GIVEN = "IGAAtoken-1"
DAY = 86_400.0


def sqlite_store(directory: Path, *keys: bytes) -> AccountStore:
    """The store in a data directory, with these keys of a setting, or else with its key file."""
    place: KeyPlace = GivenKeys(keys) if keys else KeyFile(directory)
    return AccountStore(SqliteAccounts(directory), EnvelopeCipher(LocalKeys(place)))


def account(id: str = "787132", user_id: str = "17841400787132", *, now: float = 0.0) -> AccountRecord:
    """An account that was connected now, and whose token is refreshed after 30 days and lives for 60."""
    return AccountRecord(
        id=id,
        user_id=user_id,
        username=f"user{id}",
        provider="platform",
        state=StoredState.CONNECTED,
        scopes=("basic", "publish"),
        connected_at=now,
        token_since=now,
        expires_at=now + 60 * DAY,
        refresh_at=now + 30 * DAY,
    )


def pending(digest: str = "d" * 64, *, client: str = "web", expires_at: float = 600.0) -> PendingConnection:
    return PendingConnection(
        digest, client, "platform", "https://app.test/done", ("basic",), None, expires_at, "the verifier"
    )

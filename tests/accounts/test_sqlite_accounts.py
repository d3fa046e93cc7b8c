"""The accounts in a SQLite file, with a key file or the keys of a setting."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account_records import ConnectionState
from gateway.accounts.sqlite_accounts import version_in_file
from gateway.accounts.vault.key_encryption import VaultKeyMissing
from gateway.accounts.vault.rotation import rotate
from gateway.errors import Unusable
from tests.accounts.places import DAY, GIVEN, MakeStore, account, sqlite_store
from tests.accounts.refresh_contract import RefreshContract
from tests.accounts.store_contract import AccountStoreContract, RotationContract


@pytest.fixture
def make(tmp_path: Path) -> MakeStore:
    return lambda: sqlite_store(tmp_path)


class TestAccountStore(AccountStoreContract):
    pass


class TestRotation(RotationContract):
    pass


class TestRefresh(RefreshContract):
    pass


def test_a_state_depends_on_the_time() -> None:
    record = account()
    assert record.state_at(0.0) is ConnectionState.CONNECTED
    assert record.state_at(54 * DAY) is ConnectionState.EXPIRING
    assert record.state_at(60 * DAY) is ConnectionState.RECONNECT_REQUIRED
    assert replace(record, expires_at=None).state_at(1e12) is ConnectionState.CONNECTED


def test_a_wrong_key_refuses_to_open(tmp_path: Path) -> None:
    sqlite_store(tmp_path, b"a" * 32).open()
    sqlite_store(tmp_path, b"b" * 32, b"a" * 32).open()
    with pytest.raises(VaultKeyMissing, match=r"another key than this gateway has: restore vault\.key, or set"):
        sqlite_store(tmp_path, b"b" * 32).open()


def test_the_key_file_and_the_store_are_private(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    store.open()
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "vault.key": 0o600,
        "accounts.sqlite3": 0o600,
    }
    assert version_in_file(tmp_path).found == (1, 1)
    (tmp_path / "vault.key").write_bytes(b"short")
    with pytest.raises(Unusable, match=r"vault\.key must have 32 bytes for each key"):
        store.open()


def test_a_deleted_token_leaves_no_bytes_in_the_file(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    store.open()
    store.save(account(), GIVEN)
    with contextlib.closing(sqlite3.connect(tmp_path / "accounts.sqlite3")) as db:
        (text,) = db.execute("SELECT token FROM gateway_accounts").fetchone()
    assert any(text in path.read_bytes() for path in tmp_path.iterdir())
    store.erase("787132")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert text not in content
    assert b"user787132" not in content


def test_given_keys_are_rotated_by_putting_a_new_one_first(tmp_path: Path) -> None:
    old, new = b"a" * 32, b"b" * 32
    store = sqlite_store(tmp_path, old)
    store.open()
    store.save(account(), GIVEN)
    with pytest.raises(Unusable, match="put a new one before the present one"):
        rotate(store)
    both = sqlite_store(tmp_path, new, old)
    assert rotate(both)[1] == 1
    only = sqlite_store(tmp_path, new)
    only.open()
    assert (only.token("787132") or pytest.fail("no token"))[1] == GIVEN

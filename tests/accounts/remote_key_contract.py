"""The contract of a key in a service, and of the vault over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.accounts.account_store import AccountStore
from gateway.accounts.sqlite_accounts import SqliteAccounts
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import LocalKeys, VaultDamaged, VaultKeyMissing
from gateway.accounts.vault.key_place import KEY_FILE, KeyFile
from gateway.accounts.vault.remote_keys import RemoteKey, RemoteKeys
from gateway.accounts.vault.rotation import CURRENT, WRAPPED, rotate
from gateway.errors import AccountsUnavailable, Unusable
from tests.accounts.places import GIVEN, account, sqlite_store

MakeKey = Callable[[], RemoteKey]


class Killed(BaseException):
    """The process ends here."""


def store_of(directory: Path, key: RemoteKey) -> AccountStore:
    keys = RemoteKeys(key, LocalKeys(KeyFile(directory)))
    return AccountStore(SqliteAccounts(directory), EnvelopeCipher(keys))


class RemoteKeyContract:
    """A test module has the fixtures `make`, `other` (of another key), `denied` and `silent`."""

    def test_a_token_is_readable_by_another_process_and_no_key_is_kept_here(
        self, make: MakeKey, tmp_path: Path
    ) -> None:
        store = store_of(tmp_path, make())
        store.open()
        store.save(account(), GIVEN)
        assert (store_of(tmp_path, make()).token("787132") or pytest.fail("no token"))[1] == GIVEN
        assert not (tmp_path / KEY_FILE).exists()

    def test_a_data_key_is_bound_to_what_it_was_made_for(self, make: MakeKey, tmp_path: Path) -> None:
        keys = RemoteKeys(make(), LocalKeys(KeyFile(tmp_path)))
        (id,) = keys.ids()
        wrapped = keys.wrap(id, b"k" * 32, b"one")
        assert keys.unwrap(id, wrapped, b"one") == b"k" * 32
        with pytest.raises(VaultDamaged):
            keys.unwrap(id, wrapped, b"another")

    def test_a_ciphertext_of_another_key_is_not_decrypted(self, make: MakeKey, other: MakeKey) -> None:
        with pytest.raises((VaultDamaged, Unusable)):
            make().decrypt(other().encrypt(b"secret"))

    def test_a_vault_of_another_key_is_not_opened(self, make: MakeKey, other: MakeKey, tmp_path: Path) -> None:
        store_of(tmp_path, make()).open()
        with pytest.raises(VaultKeyMissing):
            store_of(tmp_path, other()).open()

    def test_a_refused_key_is_named_and_a_service_that_is_away_is_asked_again(
        self, denied: MakeKey, silent: MakeKey
    ) -> None:
        key = denied()
        for act in (key.encrypt, key.decrypt):
            with pytest.raises(Unusable) as refused:
                act(b"secret")
            assert key.url in str(refused.value)
        for act in (silent().encrypt, silent().decrypt):
            with pytest.raises(AccountsUnavailable):
                act(b"secret")

    @pytest.mark.parametrize("point", [CURRENT, WRAPPED, None])
    def test_tokens_under_a_key_file_are_taken_over_also_after_a_kill(
        self, make: MakeKey, tmp_path: Path, point: str | None
    ) -> None:
        before = sqlite_store(tmp_path)
        before.open()
        for id in ("1", "2"):
            before.save(account(id, f"of {id}"), GIVEN + id)

        def at(reached: str) -> None:
            if reached == point:
                raise Killed

        if point is not None:
            with pytest.raises(Killed):
                rotate(store_of(tmp_path, make()), at)
            assert (store_of(tmp_path, make()).token("2") or pytest.fail("no token"))[1] == GIVEN + "2"
        store = store_of(tmp_path, make())
        store.open()
        assert rotate(store)[0] == make().url
        (tmp_path / KEY_FILE).unlink()
        for id in ("1", "2"):
            assert (store_of(tmp_path, make()).token(id) or pytest.fail("no token"))[1] == GIVEN + id

    def test_its_rotation_is_the_services(self, make: MakeKey, tmp_path: Path) -> None:
        store = store_of(tmp_path, make())
        store.open()
        with pytest.raises(Unusable, match="rotate it there"):
            rotate(store)

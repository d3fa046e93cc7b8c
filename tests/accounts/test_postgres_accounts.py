"""The accounts in PostgreSQL, with the keys that gateways share there."""

from __future__ import annotations

import pytest

from gateway.accounts.account_store import AccountStore
from gateway.accounts.postgres_accounts import PostgresAccounts, version_in
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import LocalKeys
from gateway.accounts.vault.shared_vault_keys import SharedVaultKeys
from gateway.errors import AccountsUnavailable
from tests.accounts.places import MakeStore
from tests.accounts.refresh_contract import RefreshContract
from tests.accounts.store_contract import AccountStoreContract, RotationContract
from tests.durable.postgres import Cluster


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.create().replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def make(url: str) -> MakeStore:
    def process() -> AccountStore:
        database = PostgresAccounts(url)
        return AccountStore(database, EnvelopeCipher(LocalKeys(SharedVaultKeys(database))))

    return process


class TestAccountStore(AccountStoreContract):
    pass


class TestRotation(RotationContract):
    pass


class TestRefresh(RefreshContract):
    pass


def test_the_tables_have_a_version(make: MakeStore, url: str) -> None:
    make().open()
    assert version_in(url).found == (1, 1)


def test_a_database_that_is_away_is_named_without_its_url() -> None:
    away = PostgresAccounts("postgresql://user:secret@127.0.0.1:1/accounts")
    with pytest.raises(AccountsUnavailable, match="cannot be read now") as raised, away.transaction():
        pass
    assert "secret" not in repr(raised.value)

"""The store of connected accounts of the settings, and the keys of its vault."""

from __future__ import annotations

from gateway.accounts.account_database import AccountDatabase
from gateway.accounts.account_store import AccountStore
from gateway.accounts.sqlite_accounts import SqliteAccounts
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import LocalKeys
from gateway.accounts.vault.key_place import GivenKeys, KeyFile, KeyPlace
from gateway.settings import Settings


def account_store(settings: Settings) -> AccountStore:
    """Return the store, which opens nothing before it is used."""
    database: AccountDatabase
    place: KeyPlace
    if settings.ledger_url is None:
        database, place = SqliteAccounts(settings.data_dir), KeyFile(settings.data_dir)
    else:
        from gateway.accounts.postgres_accounts import PostgresAccounts
        from gateway.accounts.vault.shared_vault_keys import SharedVaultKeys

        database = PostgresAccounts(settings.ledger_url)
        place = SharedVaultKeys(database)
    return AccountStore(
        database, EnvelopeCipher(LocalKeys(GivenKeys(settings.vault_key) if settings.vault_key else place))
    )

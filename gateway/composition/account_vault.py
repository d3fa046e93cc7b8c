"""The store of connected accounts of the settings, and the keys of its vault."""

from __future__ import annotations

from gateway.accounts.account_database import AccountDatabase
from gateway.accounts.account_store import AccountStore
from gateway.accounts.sqlite_accounts import SqliteAccounts
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import KeyEncryption, LocalKeys
from gateway.accounts.vault.key_place import GivenKeys, KeyFile, KeyPlace
from gateway.accounts.vault.remote_keys import RemoteKey, RemoteKeys
from gateway.errors import Unusable
from gateway.settings import Settings

# The extra of this project that brings a library.
EXTRAS = {"boto3": "kms", "botocore": "kms", "hvac": "transit"}


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
    return AccountStore(database, EnvelopeCipher(_keys(settings, place)))


def _keys(settings: Settings, place: KeyPlace) -> KeyEncryption:
    """Return the key-encryption keys. Raise Unusable for a service whose library is not installed."""
    local = LocalKeys(GivenKeys(settings.vault_key) if settings.vault_key else place)
    if settings.vault_key_url is None:
        return local
    try:
        return RemoteKeys(_remote_key(settings.vault_key_url, settings.vault_key_token), local)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        raise Unusable(
            f"GATEWAY_VAULT_KEY_URL needs a library that is not installed: pip install 'highlights-gateway[{extra}]'."
        ) from error


def _remote_key(url: str, token: str | None) -> RemoteKey:
    if url.startswith("awskms:"):
        from gateway.accounts.vault.aws_kms import SCHEME, AwsKmsKey

        return AwsKmsKey(url.removeprefix(SCHEME))
    from gateway.accounts.vault.transit import TransitKey

    return TransitKey(url, token)

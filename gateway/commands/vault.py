"""The `vault` command: it rotates the key under which the tokens of connected accounts are encrypted."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway.accounts.vault.rotation import rotate
from gateway.commands.base import CommandError
from gateway.composition.account_vault import account_store
from gateway.errors import AccountsUnavailable
from gateway.settings import Settings


def rotate_vault(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rotate the key while gateways serve, and print what was done. Raise SettingsError, Unusable and CommandError."""
    settings = Settings.read(environ)
    store = account_store(settings)
    try:
        if not store.database.exists():
            raise CommandError("No account was ever connected here, so there is no key to rotate.")
        store.open()
        key_id, count = rotate(store)
    except AccountsUnavailable as error:
        raise CommandError(f"{error.message} Nothing is lost: repeat the command then.") from error
    keys = "1 data key is" if count == 1 else f"{count} data keys are"
    print(f"{keys} wrapped by the new key {key_id}.")
    if settings.vault_key_url:
        print("Remove the keys of before, vault.key or GATEWAY_VAULT_KEY: nothing is encrypted with them any more.")
    elif settings.vault_key:
        print("Remove all but the first key from GATEWAY_VAULT_KEY in all gateways, and restart them.")
    return 0

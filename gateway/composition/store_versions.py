"""The stores of a gateway by name, with their versions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gateway.accounts.sqlite_accounts import version_in_file as version_of_accounts
from gateway.billing import ledger_file
from gateway.billing.ledger_store import LedgerUnusable
from gateway.clients import usage
from gateway.composition import layout, record_stores
from gateway.errors import AccountsUnavailable, FlowsUnavailable, LedgerUnavailable
from gateway.migrations import ABSENT, Statements, StoreVersion, known, opened_for_reading, version_of
from gateway.settings import SQLITE, Settings

TITLES = {
    "directory": "The data directory",
    "ledger": "The ledger",
    "keys": "The file of the keys' last uses",
    "flows": "The store of the flows",
    "accounts": "The store of the connected accounts",
    "shared keys": "The keys in PostgreSQL",
    "webhooks": "The inbox of webhooks",
    "audit": "The audit trail",
    "erasures": "The store of the erasures",
}


def prepare_stores(settings: Settings) -> None:
    """Check the stores on this machine before the first of them is written, and bring the data directory forward.

    The other stores are brought forward when they are opened. Raise StoreTooNew, and Unusable if the directory says no
    version.
    """
    for name, versions in versions_of(settings, asks_server=False).items():
        versions.check(f"{TITLES[name]} in {settings.data_dir}")
    with contextlib.suppress(OSError):  # whatever needs the directory reports the reason
        layout.migrate(settings.data_dir)


def versions_of(settings: Settings, *, asks_server: bool = True) -> dict[str, StoreVersion]:
    """Return the version of each store, and the one that this gateway knows, by name. This only reads, and blocks.

    A store that cannot be read is left out, and so are those in PostgreSQL unless `asks_server`, and flows without a
    file. Raise Unusable if the directory says no version.
    """
    found = {"directory": layout.version_of(settings.data_dir)}
    if settings.ledger_url is None:
        with contextlib.suppress(sqlite3.Error):
            found["accounts"] = version_of_accounts(settings.data_dir)
        with contextlib.suppress(sqlite3.Error):
            found["ledger"] = _version_in_file(settings.database_path, ledger_file.MIGRATIONS)
    elif asks_server:
        from gateway.billing.postgres_access import version_in as version_of_ledger

        with contextlib.suppress(LedgerUnavailable, LedgerUnusable):
            found["ledger"] = version_of_ledger(settings.ledger_url)
        from gateway.accounts.postgres_accounts import version_in as version_of_tables

        with contextlib.suppress(AccountsUnavailable, LedgerUnusable):
            found["accounts"] = version_of_tables(settings.ledger_url)
        from gateway.shared_keys.database_keys import version_in as version_of_keys
        from gateway.shared_keys.shared_key import KeysUnavailable

        with contextlib.suppress(KeysUnavailable, LedgerUnusable):
            found["shared keys"] = version_of_keys(settings.ledger_url)
    with contextlib.suppress(sqlite3.Error):
        found["keys"] = _version_in_file(settings.data_dir / usage.NAME, usage.MIGRATIONS)
    file = settings.flows_url.removeprefix(SQLITE)
    if asks_server if file == settings.flows_url else Path(file).exists():
        from gateway.durable.store_migrations import version_in

        with contextlib.suppress(FlowsUnavailable):
            found["flows"] = version_in(settings.flows_url)
    return found | _versions_of_records(settings, asks_server=asks_server)


def _versions_of_records(settings: Settings, *, asks_server: bool) -> dict[str, StoreVersion]:
    found = {}
    is_local = settings.flows_url.startswith(SQLITE)
    for name, file in record_stores.FILES.items():
        if (settings.data_dir / file).exists() if is_local else asks_server:
            store = record_stores.record_store(name)
            with contextlib.suppress(store.unavailable):
                found[name] = store.version_in(store.url(settings.flows_url, settings.data_dir))
    return found


def _version_in_file(path: Path, migrations: Sequence[Statements]) -> StoreVersion:
    """Return the version of a SQLite file. Raise sqlite3.Error."""
    if not path.exists():
        return StoreVersion(ABSENT, known(migrations))
    with contextlib.closing(opened_for_reading(path)) as db:
        return version_of(db, migrations)

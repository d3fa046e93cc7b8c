"""The check of the versions of all stores: whether this gateway reads them, and which it would bring forward."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.billing import ledger_file
from gateway.billing.ledger_store import LedgerUnusable
from gateway.clients import usage
from gateway.commands.copies import FLOWS
from gateway.commands.doctor.findings import Finding, Installation, ok, problem
from gateway.composition import layout
from gateway.errors import FlowsUnavailable, LedgerUnavailable, Unusable
from gateway.migrations import ABSENT, Statements, StoreVersion, opened_for_reading, version_of
from gateway.settings import SQLITE

VERSIONS = "versions"
NEWER = "Start the newer gateway again, or restore the backup of before the upgrade: docs/operations/upgrade.md."


def versions(installation: Installation) -> Iterable[Finding]:
    """Yield the findings. A store that does not exist, or cannot be read, is left to its own check."""
    try:
        found = {name: one for name, one in _found(installation).items() if one.found != ABSENT}
    except Unusable as error:
        yield problem(VERSIONS, str(error), "Restore that file: it is in every backup.")
        return
    newer = [f"{name} ({one.found})" for name, one in found.items() if one.found.major > one.known.major]
    older = [f"{name} ({one.found} to {one.known})" for name, one in found.items() if one.found < one.known]
    if newer:
        yield problem(
            VERSIONS, f"A newer gateway wrote, in a form that this one does not read: {', '.join(newer)}.", NEWER
        )
    elif older:
        yield ok(VERSIONS, f"The next start brings forward: {', '.join(older)}.")
    elif found:
        yield ok(VERSIONS, f"This gateway reads all {len(found)} stores as they are.")


def _found(installation: Installation) -> dict[str, StoreVersion]:
    """Return the version of each store that exists, by name. Raise Unusable."""
    settings = installation.settings
    data = settings.data_dir
    found = {"data directory": layout.version_of(data)}
    files = {"uses of keys": (data / usage.NAME, usage.MIGRATIONS)}
    if settings.ledger_url is None:
        files["ledger"] = settings.database_path, ledger_file.MIGRATIONS
    elif not installation.is_offline:
        from gateway.billing.postgres_access import version_in as version_of_ledger

        with contextlib.suppress(LedgerUnavailable, LedgerUnusable):
            found["ledger"] = version_of_ledger(settings.ledger_url)
    for name, (path, migrations) in files.items():
        with contextlib.suppress(sqlite3.Error):
            if path.exists():
                found[name] = _in_file(path, migrations)
    is_sqlite = settings.flows_url.startswith(SQLITE)
    if (data / FLOWS).exists() if is_sqlite else not installation.is_offline:
        from gateway.durable.store_migrations import version_in

        with contextlib.suppress(FlowsUnavailable):
            found["flows"] = version_in(settings.flows_url)
    return found


def _in_file(path: Path, migrations: Sequence[Statements]) -> StoreVersion:
    with contextlib.closing(opened_for_reading(path)) as database:
        return version_of(database, migrations)

"""The check of the versions of all stores: whether this gateway reads them, and which it would bring forward."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commands.doctor.findings import Finding, Installation, ok, problem
from gateway.composition.store_versions import versions_of
from gateway.errors import Unusable
from gateway.migrations import ABSENT

VERSIONS = "versions"
NAMES = {
    "directory": "data directory",
    "keys": "uses of keys",
    "accounts": "connected accounts",
    "audit": "audit trail",
}
NEWER = "Start the newer gateway again, or restore the backup of before the upgrade: docs/operations/upgrade.md."


def versions(installation: Installation) -> Iterable[Finding]:
    """Yield the findings. A store that does not exist, or cannot be read, is left to its own check."""
    try:
        found = versions_of(installation.settings, asks_server=not installation.is_offline)
    except Unusable as error:
        yield problem(VERSIONS, str(error), "Restore that file: it is in every backup.")
        return
    present = {NAMES.get(name, name): one for name, one in found.items() if one.found != ABSENT}
    newer = [f"{name} ({one.found})" for name, one in present.items() if one.found.major > one.known.major]
    older = [f"{name} ({one.found} to {one.known})" for name, one in present.items() if one.found < one.known]
    if newer:
        yield problem(
            VERSIONS, f"A newer gateway wrote, in a form that this one does not read: {', '.join(newer)}.", NEWER
        )
    elif older:
        yield ok(VERSIONS, f"The next start brings forward: {', '.join(older)}.")
    elif present:
        yield ok(VERSIONS, f"This gateway reads all {len(present)} stores as they are.")

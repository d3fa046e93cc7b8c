"""The check of the keys that gateways on one database must have in common."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commands.doctor.findings import Finding, Installation, ok, problem, skipped
from gateway.errors import Unusable
from gateway.shared_keys.shared_key import REMEDY, SHARED, KeysUnavailable

SHARED_KEYS = "shared keys"


def shared_keys(installation: Installation) -> Iterable[Finding]:
    """Yield the findings. Where there is no PostgreSQL, gateways share the files of one data directory."""
    if installation.settings.ledger_url is None:
        return
    if installation.is_offline:
        yield skipped(SHARED_KEYS, "PostgreSQL is not asked (--offline).")
        return
    from gateway.composition.gateway_keys import places_of
    from gateway.shared_keys.database_keys import report

    try:
        found = report(places_of(installation.settings))
    except KeysUnavailable:
        yield problem(SHARED_KEYS, "Their database cannot be reached.", "See the check of the flows.")
        return
    except Unusable as error:
        yield problem(SHARED_KEYS, str(error), "See the check of the flows.")
        return
    for sentence in found.differences:
        yield problem(SHARED_KEYS, sentence, REMEDY)
    if not found.differences:
        used = [found.used[key.name] for key in SHARED if key.name in found.used]
        places = ", ".join(f"{one.key.name} from {one.source.value}" for one in used)
        beside = f"; {found.processes} running processes use the same" if found.processes else ""
        yield ok(SHARED_KEYS, f"{places or 'The first gateway makes them'}{beside}.")

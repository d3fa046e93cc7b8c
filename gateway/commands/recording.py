"""Entries of the audit trail about what commands have done."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from gateway.audit.trail import Action, AuditUnavailable, SubjectKind
from gateway.errors import Unusable
from gateway.settings import Settings

ACTOR = "command"


def record(
    environ: Mapping[str, str],
    action: Action,
    *,
    client: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Append what a command has done. The deed stands where the trail cannot be written: say so on standard error."""
    try:
        settings = Settings.read(environ)
        if not settings.data_dir.is_dir():
            return  # no gateway has started here yet
        from gateway.composition.audit_trail import opened_trail  # most commands need no database

        with opened_trail(settings) as trail:
            subject = "" if client is None else trail.pseudonym(SubjectKind.CLIENT, client)
            trail.append(ACTOR, action, subject, details or {})
    except (AuditUnavailable, Unusable) as error:
        print(f"This is not in the audit trail: {error}", file=sys.stderr)

"""The `audit` command: show the audit trail, and verify that it is as it was written."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping

from gateway.audit.trail import AuditUnavailable, Head, SubjectKind
from gateway.commands.base import CommandError, UsageError
from gateway.commands.table import aligned
from gateway.composition.audit_trail import opened_trail
from gateway.settings import Settings

HEADINGS = ("number", "time", "actor", "action", "subject", "details")
NOTED = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
LIMITS = (
    "An older copy of the whole trail, or one that was written again with the key itself, is found only with an entry "
    "that was noted elsewhere: --noted NUMBER:MAC."
)


def show(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the last entries, all or those of one subject. Raise CommandError."""
    try:
        with opened_trail(Settings.read(environ)) as trail:
            subject = None
            if arguments.account is not None:
                subject = trail.pseudonym(SubjectKind.ACCOUNT, arguments.account)
            elif arguments.client is not None:
                subject = trail.pseudonym(SubjectKind.CLIENT, arguments.client)
            entries = trail.entries(subject, arguments.limit)
    except AuditUnavailable as error:
        raise CommandError(str(error)) from error
    rows = [(str(one.number), one.at, one.actor, one.action, one.subject, one.details) for one in entries]
    print(aligned([HEADINGS, *rows], numbers_from=len(HEADINGS)), end="")
    return 0


def verify(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Check the trail, and print its last entry to be noted. Exit with 1 if it is not as it was written."""
    noted = None if arguments.noted is None else _noted(arguments.noted)
    try:
        with opened_trail(Settings.read(environ)) as trail:
            found = trail.verify(noted)
    except AuditUnavailable as error:
        raise CommandError(str(error)) from error
    for problem in found.problems:
        print(problem)
    if not found.problems:
        print(f"The trail is as it was written. Its last entry is {found.entries}:{found.last.hex()}")
    if noted is None:
        print(LIMITS, file=sys.stderr)
    return 1 if found.problems else 0


def _noted(text: str) -> Head:
    """Raise UsageError."""
    found = NOTED.fullmatch(text)
    if found is None:
        raise UsageError("--noted needs NUMBER:MAC, as `audit verify` prints them.")
    return Head(int(found[1]), bytes.fromhex(found[2]), b"")

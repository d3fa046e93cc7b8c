"""The `accounts` command: request that all about a person is erased, and see how far requests are.

The gateways on the same stores carry requests out, each also in its own caches.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from gateway.audit.audit_store import AuditStore
from gateway.audit.trail import Action, AuditUnavailable
from gateway.clock import SystemClock
from gateway.commands.base import CommandError, UsageError
from gateway.commands.recording import ACTOR
from gateway.commands.table import aligned
from gateway.composition.audit_trail import opened_trail, owned_by_gateway
from gateway.erasure.request_runner import FLOWS_STEP
from gateway.erasure.request_store import ERASURES, RequestStore
from gateway.erasure.requests import Person, RequestKind, RequestsUnavailable
from gateway.settings import Settings

HEADINGS = ("code", "kind", "requested", "finished", "steps done")
WAITING = "{}: flows are ended next, by a gateway that publishes: if none runs on these stores, start one."
BEFORE_FLOWS = {RequestKind.ERASURE: "account record", RequestKind.DEAUTHORIZATION: "account"}
NOTE = "The gateways on these stores erase it, now or at their next start: see `accounts erasures`."


def erase(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Record the request, and print its code. Raise CommandError and UsageError."""
    if not (arguments.account.isascii() and arguments.account.isdigit()):
        raise UsageError(
            "ACCOUNT must be the id of a user, a whole number: `user(by: { username: ... }) { id }` tells."
        )
    with _opened(environ) as (store, trail):
        found = store.add(RequestKind.ERASURE, Person((arguments.account,), tuple(arguments.username)), ACTOR)
        trail.append(ACTOR, Action.ERASURE_REQUESTED, found.pseudonym, {"request": found.code})
    print(found.code)
    print(NOTE, file=sys.stderr)
    return 0


def show(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the latest requests. Persons are not named."""
    with _opened(environ) as (store, _):
        found = store.latest(arguments.limit)
    rows = [
        (one.code, one.kind.value, _time(one.requested_at), _time(one.finished_at), ", ".join(one.steps))
        for one in found
    ]
    print(aligned([HEADINGS, *rows], numbers_from=len(HEADINGS)), end="")
    for one in found:
        if one.finished_at is None and BEFORE_FLOWS[one.kind] in one.steps and FLOWS_STEP not in one.steps:
            print(WAITING.format(one.code), file=sys.stderr)
    return 0


@contextlib.contextmanager
def _opened(environ: Mapping[str, str]) -> Iterator[tuple[RequestStore, AuditStore]]:
    """Raise CommandError."""
    settings = Settings.read(environ)
    try:
        with opened_trail(settings) as trail, owned_by_gateway(settings, ERASURES.file):
            url = ERASURES.url(settings.flows_url, settings.data_dir)
            with contextlib.closing(RequestStore(url, trail.key, SystemClock())) as store:
                yield store, trail
    except (AuditUnavailable, RequestsUnavailable) as error:
        raise CommandError(str(error)) from error


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not yet"
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")

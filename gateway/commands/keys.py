"""The `keys` command: clients and their keys. A running gateway reloads the file on SIGHUP."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit.trail import Action
from gateway.clients.editing import (
    add_key,
    remove_client,
    remove_key,
    rename_client,
    rotate_key,
    set_disabled,
)
from gateway.clients.entries import ClientEntry, KeyEntry, parse, read
from gateway.clients.usage import Uses, UsesUnreadable
from gateway.clock import SystemClock
from gateway.commands.base import CommandError, UsageError
from gateway.commands.recording import record
from gateway.commands.table import aligned
from gateway.domain.rights import WRITING, Right
from gateway.settings import Settings

HEADINGS = (
    "client",
    "id",
    "rights",
    "ceiling",
    "allowance",
    "weight",
    "key",
    "created",
    "expires",
    "last used",
    "state",
)
SHOWN = """\
Its key is shown this once: only a digest is kept. It goes with each request, as `Authorization: Bearer KEY` or
`x-api-key: KEY`.
"""
KNOWN = "A gateway with GATEWAY_CLIENTS_FILE={path} knows it from its start on, or after `kill -HUP`."
UNLIMITED = "No allowance{ceiling}: this client may spend without limit. Use --allowance, or add one to its entry."


def add(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Add a client. Only the key goes to standard output, so that it can be piped to a secret store.

    Raise ClientsFileError and UsageError, like all functions of this module.
    """
    path = _file(arguments, environ)
    if arguments.accounts and WRITING.isdisjoint(arguments.rights):
        names = " or ".join(f"`{right.value}`" for right in Right if right in WRITING)
        raise UsageError(f"--account limits publishing, so it needs {names} among --rights.")
    key = add_key(
        path,
        arguments.name,
        allowance=arguments.allowance,
        ceiling=arguments.ceiling,
        rights=arguments.rights,
        accounts=arguments.accounts,
        weight=arguments.weight,
        now=SystemClock().now(),
    )
    print(key)
    record(environ, Action.KEY_ADDED, client=arguments.name)
    _print_to_stderr(f"The client {arguments.name} is in {path}. {SHOWN}{KNOWN.format(path=path)}")
    if not arguments.allowance:
        _print_to_stderr(UNLIMITED.format(ceiling=", no ceiling" if arguments.ceiling is None else ""))
    return 0


def list_keys(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print one line for each key. The last use is read from the data directory of the settings."""
    path = _file(arguments, environ)
    entries = parse(read(path), path)
    try:
        used = Uses(Settings.read(environ).data_dir).read()
    except UsesUnreadable as exc:
        raise CommandError(str(exc)) from exc
    now = SystemClock().now()
    rows = [_row(entry, key, used, now) for entry in entries for key in entry.all_keys]
    print(aligned([HEADINGS, *rows], numbers_from=len(HEADINGS)), end="")
    return 0


def rotate(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Add a key to a client, and let its other keys expire. Only the new key goes to standard output."""
    path = _file(arguments, environ)
    now = SystemClock().now()
    key = rotate_key(path, arguments.name, overlap=arguments.overlap, now=now)
    print(key)
    record(environ, Action.KEY_ROTATED, client=arguments.name, details={"overlap": arguments.overlap})
    _print_to_stderr(f"The client {arguments.name} has another key. {SHOWN}{KNOWN.format(path=path)}")
    _print_to_stderr(
        f"Its keys of before expire at {_time(now + arguments.overlap)} (UTC), unless they did so already."
    )
    return 0


def disable(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    return _set_disabled(arguments, environ, disabled=True)


def enable(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    return _set_disabled(arguments, environ, disabled=False)


def rename(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = _file(arguments, environ)
    rename_client(path, arguments.name, arguments.new)
    record(environ, Action.CLIENT_RENAMED, client=arguments.name)
    return _changed(f"The client {arguments.name} is now called {arguments.new} and keeps its id.", path)


def remove(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = _file(arguments, environ)
    if arguments.key is None:
        remove_client(path, arguments.name)
        record(environ, Action.CLIENT_REMOVED, client=arguments.name)
        return _changed(f"The client {arguments.name} was removed from {path}.", path)
    remove_key(path, arguments.name, arguments.key)
    record(environ, Action.KEY_REMOVED, client=arguments.name, details={"key": arguments.key})
    return _changed(f"The key {arguments.key} of the client {arguments.name} was removed.", path)


def _set_disabled(arguments: argparse.Namespace, environ: Mapping[str, str], *, disabled: bool) -> int:
    path = _file(arguments, environ)
    set_disabled(path, arguments.name, disabled=disabled)
    record(environ, Action.CLIENT_DISABLED if disabled else Action.CLIENT_ENABLED, client=arguments.name)
    return _changed(f"The client {arguments.name} is {'disabled' if disabled else 'enabled'}.", path)


def _changed(what: str, path: Path) -> int:
    _print_to_stderr(f"{what} {KNOWN.format(path=path)}")
    return 0


def _file(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Path:
    path: Path | None = arguments.file or Settings.read(environ).clients_file
    if path is None:
        raise UsageError("Set the clients file: --file PATH or GATEWAY_CLIENTS_FILE.")
    return path


def _row(entry: ClientEntry, key: KeyEntry, used: Mapping[str, float], now: float) -> tuple[str, ...]:
    known = key.key()
    is_expired = known.expires is not None and known.expires <= now
    last = used.get(known.fingerprint)
    return (
        entry.name,
        entry.known_as,
        ",".join(right.value for right in Right if right in entry.rights) or "none",
        "none" if entry.ceiling is None else str(entry.ceiling),
        ",".join(f"{window.value}={limit}" for window, limit in entry.allowance.items()) or "unlimited",
        f"{entry.weight:g}",
        known.fingerprint,
        "unknown" if known.created is None else _time(known.created),
        "never" if known.expires is None else _time(known.expires),
        "never" if last is None else _time(last),
        "disabled" if entry.disabled else "expired" if is_expired else "good",
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _print_to_stderr(text: str) -> None:
    print(text, file=sys.stderr)

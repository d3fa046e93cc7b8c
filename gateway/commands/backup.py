"""The `backup` command: a consistent copy of each part of the gateway's data, while the gateway runs or not.

A plain copy of an SQLite file lacks the content of its write-ahead log, which may be all of the data.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.accounts.sqlite_accounts import FILE as ACCOUNTS
from gateway.accounts.sqlite_accounts import key_ids_in
from gateway.accounts.vault.key_place import KEY_FILE as VAULT_KEY
from gateway.accounts.vault.key_place import id_of, keys_in
from gateway.billing.moved_ledger import State, state_of
from gateway.clients.usage import NAME as USES
from gateway.clock import SystemClock
from gateway.commands.base import CommandError
from gateway.commands.copies import (
    AUDIT_KEY,
    CLIENTS,
    CURSORS_KEY,
    FLOWS,
    FLOWS_KEY,
    LAYOUT,
    LEDGER,
    MANIFEST,
    MEDIA_KEY,
    RECORDS,
    SPOOL,
    Manifest,
    files_in,
)
from gateway.commands.data_directory import sharing
from gateway.durable.leases import FOLDER as SLOTS
from gateway.files import make_file, make_folder, sync_folders
from gateway.settings import SQLITE, Settings
from gateway.uploads.directory import REQUEST, SHA256
from gateway.version import version

BUSY_SECONDS = 10.0
PRIVATE = 0o600
IN_POSTGRESQL = "The flows are in PostgreSQL, and not in the copy: copy them with pg_dump at the same time."
ALL_IN_POSTGRESQL = (
    "The ledger and the flows are in PostgreSQL, and not in the copy: copy them with pg_dump at the same time."
)
FILES_ELSEWHERE = "The files of flows are in object storage, and not in the copy: copy the bucket with its own means."
KEYS_IN_POSTGRESQL = "Keys that are not set are in PostgreSQL too: its dump is as secret as they are."
VAULT_KEY_ELSEWHERE = "GATEWAY_VAULT_KEY is not in the copy: no token of a connected account is readable without it."
KEY_ELSEWHERE = "GATEWAY_FLOWS_KEY is not in the copy: the flows are encrypted with it and cannot be read without it."


def backup(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Create the directory completely or not at all. Raise SettingsError and CommandError."""
    settings = Settings.read(environ)
    target: Path = arguments.directory
    _check(target)
    if not (_has_ledger_elsewhere(settings) or settings.database_path.is_file()):
        raise CommandError(f"There is no ledger at {settings.database_path}: set GATEWAY_DATA_DIR to its directory.")
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}.part")
    is_shared = settings.data_dir.is_dir()
    try:
        make_folder(target.absolute().parent)
        make_folder(draft)
        with sharing(settings.data_dir) if is_shared else contextlib.nullcontext():
            _copy_all(settings, draft)
        make_file(draft / MANIFEST, msgspec.json.format(msgspec.json.encode(_manifest(settings, draft)), indent=2))
        sync_folders(draft)
        draft.rename(target)
    except OSError as error:
        raise CommandError(f"Cannot copy to {target}: {error.strerror} ({error.filename}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    print(f"Copied to {target}: {', '.join(sorted(path.name for path in target.iterdir()))}.")
    for note in _missing(settings):
        print(note, file=sys.stderr)
    return 0


def _manifest(settings: Settings, draft: Path) -> Manifest:
    return Manifest(
        version=version(),
        time=datetime.fromtimestamp(SystemClock().now(), UTC).isoformat(timespec="seconds"),
        files=files_in(draft),
        has_flows_elsewhere=not settings.flows_url.startswith(SQLITE),
        has_ledger_elsewhere=_has_ledger_elsewhere(settings),
        needs_flows_key=settings.flows_key is not None,
    )


def _has_ledger_elsewhere(settings: Settings) -> bool:
    """Return whether the ledger is in PostgreSQL. One that is still to be moved there is copied."""
    if settings.ledger_url is None or not settings.data_dir.is_dir():
        return False
    return state_of(settings.database_path) in (State.ABSENT, State.MOVED)


def _check(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise CommandError(f"{target} already exists, and nothing is overwritten: choose a new directory.")


def _missing(settings: Settings) -> Iterator[str]:
    if not settings.flows_url.startswith(SQLITE):
        yield ALL_IN_POSTGRESQL if _has_ledger_elsewhere(settings) else IN_POSTGRESQL
        yield KEYS_IN_POSTGRESQL
    if settings.storage_url is not None:
        yield FILES_ELSEWHERE
    if settings.flows_key is not None:
        yield KEY_ELSEWHERE
    if settings.vault_key is not None and (settings.data_dir / ACCOUNTS).exists():
        yield VAULT_KEY_ELSEWHERE


def _copy_all(settings: Settings, draft: Path) -> None:
    """Copy all parts. The files that workflows need are copied before and after the workflow store.

    A file that exists at the time of the store's copy is then in one of both copies.
    """
    data = settings.data_dir
    if not _has_ledger_elsewhere(settings):
        _copy_database(settings.database_path, draft / LEDGER)
    _copy_needs(data, draft)
    if settings.flows_url.startswith(SQLITE) and (data / FLOWS).exists():
        _copy_database(data / FLOWS, draft / FLOWS)
        if settings.flows_key is None and not (data / FLOWS_KEY).exists():
            raise CommandError(
                f"{data / FLOWS_KEY} is missing, and the flows cannot be decrypted without it: restore it."
            )
    _copy_needs(data, draft)
    for name in (USES, *RECORDS):
        if (data / name).exists():
            _copy_database(data / name, draft / name)
    _copy_accounts(settings, draft)
    for name in (MEDIA_KEY, CURSORS_KEY, AUDIT_KEY, LAYOUT):
        _copy_file(data / name, draft / name)
    if settings.clients_file is not None:
        _copy_file(settings.clients_file, draft / CLIENTS)


def _copy_accounts(settings: Settings, draft: Path) -> None:
    """Copy the connected accounts with the key of their vault. Raise CommandError.

    The key is copied last: a rotation that begins meanwhile adds a key, and deletes the old one only at its end.
    """
    data = settings.data_dir
    if settings.ledger_url is not None or not (data / ACCOUNTS).exists():
        return
    _copy_database(data / ACCOUNTS, draft / ACCOUNTS)
    needed = key_ids_in(draft / ACCOUNTS) - {settings.vault_key_url}
    if settings.vault_key is not None or not needed:
        return
    _copy_file(data / VAULT_KEY, draft / VAULT_KEY)
    if not (draft / VAULT_KEY).exists():
        raise CommandError(f"{data / VAULT_KEY} is missing, and no token can be decrypted without it: restore it.")
    known = {id_of(key) for key in keys_in((draft / VAULT_KEY).read_bytes())}
    if not needed <= known:
        raise CommandError("The key of the vault was rotated meanwhile: repeat the command. Nothing was copied.")


def _copy_needs(data: Path, draft: Path) -> None:
    _copy_file(data / FLOWS_KEY, draft / FLOWS_KEY)
    for file in _files(data / SLOTS):
        _copy_file(file, draft / SLOTS / file.name)
    for entry in _files(data / SPOOL):
        if SHA256.fullmatch(entry.name):
            for file in _files(entry):
                if not file.name.startswith(REQUEST) and file.suffix != ".part":
                    _copy_file(file, draft / SPOOL / entry.name / file.name)


def _files(folder: Path) -> list[Path]:
    """Return the files of the folder; none if it is missing: unneeded files may be deleted during the copy."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _copy_file(source: Path, target: Path) -> None:
    """Copy the file if it exists and the target does not: such files are written once and never change."""
    if target.exists():
        return
    with contextlib.suppress(FileNotFoundError), source.open("rb") as file:
        make_folder(target.parent)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())


def _copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's backup, which reads one state during writes without waiting for them. Raise CommandError."""
    make_file(target)
    try:
        with (
            contextlib.closing(_opened(source)) as original,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # a single file without a write-ahead log
            (result,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise CommandError(f"{source} cannot be copied ({error}): is it a file of the gateway?") from error
    if result != "ok":
        raise CommandError(f"{source} is damaged ({result}): nothing was copied.")


def _opened(path: Path) -> sqlite3.Connection:
    """Open an existing file. It must be writable, because SQLite first applies the log that a crash left."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)

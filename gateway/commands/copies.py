"""The copies that `backup` makes: their parts, their manifest, and the check of a copy before it is restored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.accounts import sqlite_accounts
from gateway.accounts.sqlite_accounts import FILE as ACCOUNTS
from gateway.accounts.vault.key_place import KEY_FILE as VAULT_KEY
from gateway.billing import ledger_file
from gateway.clients import usage
from gateway.clients.usage import NAME as USES
from gateway.commands.base import CommandError
from gateway.composition import layout, record_stores
from gateway.durable.leases import FOLDER as SLOTS
from gateway.errors import Unusable
from gateway.migrations import StoreTooNew, version_of
from gateway.uploads.directory import SHA256

LEDGER, FLOWS, SPOOL = "gateway.sqlite3", "flows.sqlite3", "spool"
FLOWS_KEY, MEDIA_KEY, CURSORS_KEY, AUDIT_KEY = "flows.key", "media.key", "cursors.key", "audit.key"
CLIENTS, LAYOUT = "clients.toml", layout.NAME
MANIFEST = "manifest.json"
RECORDS = tuple(record_stores.FILES.values())
DATABASES = (LEDGER, FLOWS, USES, ACCOUNTS, *RECORDS)
KEYS = (FLOWS_KEY, MEDIA_KEY, CURSORS_KEY, VAULT_KEY, AUDIT_KEY)
KEY_BYTES = 32
MIGRATIONS = {LEDGER: ledger_file.MIGRATIONS, USES: usage.MIGRATIONS, ACCOUNTS: sqlite_accounts.MIGRATIONS}
FORMAT = 1
PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:-]*")


class CopiedFile(msgspec.Struct, frozen=True):
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """The manifest of a copy. `files` are all other files by their relative paths; `time` is in UTC.

    `has_flows_elsewhere`: the flows are in PostgreSQL; `has_ledger_elsewhere`: so is the ledger. `needs_flows_key`:
    they are encrypted with GATEWAY_FLOWS_KEY.
    """

    version: str
    time: str
    files: dict[str, CopiedFile]
    has_flows_elsewhere: bool
    needs_flows_key: bool
    format: int = FORMAT
    has_ledger_elsewhere: bool = False


def files_in(folder: Path) -> dict[str, CopiedFile]:
    """Return the files of a copy by their relative paths, but for the manifest. Raise OSError."""
    return {name: _described(folder / name) for name in _names(folder) if name != MANIFEST}


def checked(copy: Path) -> Manifest | None:
    """Check that the copy is complete and intact, and return its manifest; None if it has none. Raise CommandError."""
    try:
        names = list(_names(copy))
        manifest = _read(copy / MANIFEST) if MANIFEST in names else None
        if LEDGER not in names and not (manifest is not None and manifest.has_ledger_elsewhere):
            raise CommandError(f"{copy} is no copy that `backup` made: it has no {LEDGER}.")
        for name in names:
            _check_place(copy, name)
        if manifest is not None:
            _compare(copy, manifest)
        _check_keys(copy, names)
    except OSError as error:
        raise CommandError(f"{copy} cannot be read: {error.strerror} ({error.filename}).") from error
    for name in DATABASES:
        if name in names:
            check_database(copy / name, name)
    _check_layout(copy)
    return manifest


def check_database(path: Path, name: str) -> None:
    """Check a SQLite file that has this name in a copy. Raise CommandError if it is damaged, or of a newer gateway."""
    try:
        # Nobody changes the file, so no other file need be created beside it.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
            (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if result == "ok":
                _check_version(path, name, database)
    except sqlite3.Error as error:
        raise CommandError(f"{path} is damaged ({error}).") from error
    except StoreTooNew as error:
        raise CommandError(f"{path} was written by a newer version of the gateway: restore it with that.") from error
    if result != "ok":
        raise CommandError(f"{path} is damaged ({result}).")


def _check_version(path: Path, name: str, database: sqlite3.Connection) -> None:
    """Raise StoreTooNew."""
    if name == FLOWS:
        from gateway.durable.store_migrations import version_in

        version_in(f"sqlite:///{path.absolute()}").check(name)
    elif name in RECORDS:
        (store,) = (record_stores.record_store(one) for one, file in record_stores.FILES.items() if file == name)
        store.version_in(f"sqlite:///{path.absolute()}").check(name)
    else:
        version_of(database, MIGRATIONS[name]).check(name)


def _check_layout(copy: Path) -> None:
    """Raise CommandError for the layout of a newer gateway."""
    try:
        layout.version_of(copy).check(LAYOUT)
    except StoreTooNew as error:
        raise CommandError(f"{copy} was made by a newer version of the gateway: restore it with that.") from error
    except Unusable as error:
        raise CommandError(f"{copy / LAYOUT} is damaged: it says no version.") from error


def _names(folder: Path) -> Iterator[str]:
    """Yield the relative paths of all files. Raise CommandError for anything else than a file or a directory."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.is_dir(follow_symlinks=False):
                yield from (f"{entry.name}/{name}" for name in _names(Path(entry.path)))
            elif entry.is_file(follow_symlinks=False):
                yield entry.name
            else:
                raise CommandError(f"{entry.path} is neither a file nor a directory: no part of a copy.")


def _check_place(copy: Path, name: str) -> None:
    """Raise CommandError for a file that no backup writes."""
    match name.split("/"):
        case [file] if file in (*DATABASES, *KEYS, CLIENTS, LAYOUT, MANIFEST):
            return
        case [folder, file] if folder == SLOTS and PLAIN.fullmatch(file):
            return
        case [folder, entry, file] if folder == SPOOL and SHA256.fullmatch(entry) and PLAIN.fullmatch(file):
            return
        case _:
            raise CommandError(f"{copy / name} is no part of a copy: a copy is restored as it was made.")


def _read(path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise CommandError(f"{path} is damaged: it is no manifest.") from error
    if manifest.format > FORMAT:
        raise CommandError(f"{path} was written by a newer version of the gateway: restore it with that.")
    return manifest


def _compare(copy: Path, manifest: Manifest) -> None:
    """Raise CommandError unless the files are those of the manifest."""
    found = files_in(copy)
    missing, added = manifest.files.keys() - found.keys(), found.keys() - manifest.files.keys()
    changed = {name for name in manifest.files.keys() & found.keys() if manifest.files[name] != found[name]}
    for names, problem in ((missing, "is missing"), (added, "is not in the manifest"), (changed, "was changed")):
        if names:
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise CommandError(f"{copy / min(names)} {problem}{more}: the copy is not as it was made.")


def _check_keys(copy: Path, names: list[str]) -> None:
    for name in KEYS:
        if name not in names:
            continue
        size = (copy / name).stat().st_size
        # The vault's key file has a second key while the first is being replaced.
        if size != KEY_BYTES and not (name == VAULT_KEY and size and size % KEY_BYTES == 0):
            raise CommandError(f"{copy / name} is damaged: it must have {KEY_BYTES} bytes.")


def _described(path: Path) -> CopiedFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return CopiedFile(os.fstat(file.fileno()).st_size, digest)

"""The `restore` command: a copy that `backup` made takes the place of the data of the settings.

The copy is copied beside its places first, and then renamed into them by a list of renames that is on the disk. So an
interruption leaves the old state, or a list that the command completes when it is run again; no gateway starts in
between. The directories themselves stay, because they may be mount points.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.accounts.sqlite_accounts import FILE as ACCOUNTS
from gateway.audit.trail import Action
from gateway.clients.usage import NAME as USES
from gateway.clock import SystemClock
from gateway.commands import moves
from gateway.commands.base import CommandError
from gateway.commands.copies import (
    CLIENTS,
    DATABASES,
    FLOWS,
    FLOWS_KEY,
    KEYS,
    LAYOUT,
    LEDGER,
    MANIFEST,
    RECORDS,
    SPOOL,
    Manifest,
    check_database,
    checked,
    files_in,
)
from gateway.commands.data_directory import JOURNAL, alone
from gateway.commands.recording import record
from gateway.durable.leases import FOLDER as SLOTS
from gateway.files import make_folder, sync_folder, sync_folders
from gateway.settings import SQLITE, Settings

# SQLite's own files beside a database: what is in them belongs to it.
BESIDE = ("-wal", "-shm", "-journal")
DRAFT, BEFORE = ".restore-", "before-restore-"
FLOWS_IN_POSTGRESQL = (
    "The flows are in PostgreSQL, and not in the copy: restore them with pg_restore as of the same time."
)
ALL_IN_POSTGRESQL = (
    "The ledger and the flows are in PostgreSQL, and not in the copy: restore them with pg_restore as of the same time."
)
FILES_ELSEWHERE = "The files of flows are in object storage: restore the bucket as of the same time."
KEY_ELSEWHERE = "The flows of the copy are encrypted with GATEWAY_FLOWS_KEY of the gateway that was copied: set it."
CLIENTS_STAY = "The copy has a clients file, and GATEWAY_CLIENTS_FILE is not set: it stays in the copy."


@dataclass(frozen=True, slots=True)
class Target:
    """The places of the parts of a copy, by their names in it."""

    settings: Settings
    parts: Mapping[str, Path]

    @classmethod
    def of(cls, settings: Settings, copy: Path, *, keeps_clients: bool) -> Target:
        places = {
            name: settings.data_dir / name for name in (FLOWS, USES, ACCOUNTS, *RECORDS, *KEYS, SLOTS, SPOOL, LAYOUT)
        }
        places[LEDGER] = settings.database_path
        if settings.clients_file is not None and not keeps_clients and not _is_equal(copy, settings.clients_file):
            places[CLIENTS] = settings.clients_file
        return cls(settings, {name: place.absolute() for name, place in places.items() if (copy / name).exists()})

    def occupied(self) -> list[Path]:
        """Return what has to make room: everything that the gateway would use beside the restored parts, too."""
        data, ledger = self.settings.data_dir, self.settings.database_path
        databases = [*(data / name for name in (FLOWS, USES, ACCOUNTS, *RECORDS)), ledger]
        beside = [Path(f"{database}{suffix}") for database in databases for suffix in BESIDE]
        others = [data / name for name in (*KEYS, SLOTS, SPOOL, LAYOUT)]
        places = {path.absolute() for path in (*databases, *beside, *others)} | set(self.parts.values())
        return sorted(path for path in places if os.path.lexists(path))


def restore(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Restore the copy completely or not at all. Raise SettingsError and CommandError."""
    settings = Settings.read(environ)
    copy: Path = arguments.directory.absolute()
    is_new = not settings.data_dir.exists()
    try:
        with alone(settings.data_dir):
            journal = settings.data_dir.absolute() / JOURNAL
            begun = moves.begun(journal)
            if begun is None:
                begun = _prepared(arguments, settings, copy, is_new=is_new)
                moves.begin(journal, begun)
            elif begun.origin == str(copy):
                print("The restore that was interrupted is completed.", file=sys.stderr)
            else:
                raise CommandError(
                    f"The restore of {begun.origin} was interrupted: complete it first, by the same command with it."
                )
            moves.complete(journal, begun)
            _remove_drafts(settings)
            _check_restored(settings)
    except OSError as error:
        raise CommandError(f"Cannot restore {copy}: {error.strerror} ({error.filename}).") from error
    _report(copy, settings.data_dir.absolute(), begun)
    record(environ, Action.RESTORED)
    return 0


def _prepared(arguments: argparse.Namespace, settings: Settings, copy: Path, *, is_new: bool) -> moves.Moves:
    """Check copy and target, and copy beside the places. Nothing has changed until then. Raise CommandError."""
    if copy == settings.data_dir.absolute():
        raise CommandError(f"{copy} is the data directory itself.")
    manifest = checked(copy)
    _check_flows(settings, copy, manifest)
    target = Target.of(settings, copy, keeps_clients=arguments.keep_clients)
    if (occupied := target.occupied()) and not arguments.replace:
        raise CommandError(
            f"{occupied[0]} exists, and nothing is overwritten: with --replace all data there is moved aside first."
        )
    _check_movable([*occupied, *target.parts.values()])
    _check_unused(settings.database_path)
    _print_notes(settings, copy, manifest)
    _remove_drafts(settings)
    example = copy / (LEDGER if LEDGER in target.parts else MANIFEST)
    own = _ownership(settings.data_dir, example if is_new else settings.data_dir)
    try:
        drafts = _drafts(target, copy, own)
        return moves.Moves(
            origin=str(copy),
            aside=tuple(_aside(settings.data_dir.absolute(), target.occupied(), own)),
            into_place=tuple(moves.Move(str(draft), str(target.parts[name])) for name, draft in drafts.items()),
        )
    except BaseException:
        _remove_drafts(settings)
        raise


def _ownership(data: Path, example: Path) -> Callable[[Path], None]:
    """Return a function that gives a path to the owner of `example`. Only the user root can do so, and has to."""
    if os.geteuid() != 0:
        return lambda _: None
    owner = example.stat()
    os.chown(data, owner.st_uid, owner.st_gid)
    return lambda path: os.chown(path, owner.st_uid, owner.st_gid)


def _check_flows(settings: Settings, copy: Path, manifest: Manifest | None) -> None:
    """Raise CommandError for flows that a gateway with these settings would not find or could not read."""
    is_sqlite = settings.flows_url.startswith(SQLITE)
    if (copy / FLOWS).exists() and not is_sqlite:
        raise CommandError("The flows of the copy are in SQLite, and GATEWAY_DATABASE_URL names PostgreSQL: unset it.")
    if manifest is not None and manifest.has_flows_elsewhere and is_sqlite:
        raise CommandError("The flows of the copy are in PostgreSQL: set GATEWAY_DATABASE_URL to their database.")
    if not (copy / FLOWS).exists():
        return
    if settings.flows_key is None and not (copy / FLOWS_KEY).exists():
        raise CommandError(KEY_ELSEWHERE)
    from gateway.durable.encryption import DecryptionError, JsonCipher

    key = settings.flows_key or (copy / FLOWS_KEY).read_bytes()
    try:
        for probe in _probes(copy / FLOWS):
            JsonCipher(key).open(probe)
    except DecryptionError as error:
        raise CommandError(
            "The flows of the copy are encrypted with another key: set GATEWAY_FLOWS_KEY to it."
        ) from error


def _probes(flows: Path) -> list[str]:
    """Return the texts that the key of the flows decrypts: one, or none of a store that was never prepared."""
    uri = f"{flows.as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database, contextlib.suppress(sqlite3.OperationalError):
        return [text for (text,) in database.execute("SELECT probe FROM gateway_flow_keys")]
    return []


def _check_unused(ledger: Path) -> None:
    """Raise CommandError if a process has the ledger open: a gateway of a version that does not lock the directory."""
    if not ledger.exists():
        return
    uri = f"{ledger.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        # Any other error is one of a damaged file, which is moved aside.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise CommandError(f"A process uses {ledger}: end the gateway first.") from error


def _check_movable(places: list[Path]) -> None:
    for place in places:
        if place.is_symlink() or os.path.ismount(place):
            raise CommandError(
                f"{place} is a link or a mount point, and cannot be replaced: restore by hand, or for a clients file "
                "use --keep-clients."
            )


def _drafts(target: Target, copy: Path, own: Callable[[Path], None]) -> dict[str, Path]:
    """Copy all parts beside their places, and return the copies by their names. Raise OSError and CommandError."""
    token = secrets.token_hex(8)
    drafts = dict[str, Path]()
    folders = set[Path]()
    for name, place in target.parts.items():
        folder = place.parent / f"{DRAFT}{token}"
        make_folder(place.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        folders.add(folder)
        drafts[name] = folder / name
        _copy(copy / name, drafts[name], own)
    expected = {name: file for name, file in files_in(copy).items() if name.split("/")[0] in drafts}
    found = {name: file for folder in folders for name, file in files_in(folder).items()}
    if found != expected:
        raise CommandError(f"{copy} could not be copied: the files differ from those that were read before.")
    for folder in folders:
        sync_folders(folder)
    return drafts


def _copy(source: Path, draft: Path, own: Callable[[Path], None]) -> None:
    """Copy a file, or a folder with all below it, readable by the owner alone."""
    if source.is_dir():
        draft.mkdir(mode=0o700)
        for path in sorted(source.iterdir()):
            _copy(path, draft / path.name, own)
    else:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written, source.open("rb") as file:
            shutil.copyfileobj(file, written)
            written.flush()
            os.fsync(written.fileno())
    own(draft)


def _aside(data: Path, occupied: list[Path], own: Callable[[Path], None]) -> Iterator[moves.Move]:
    """Yield the moves that make room: into a new directory, or for a place elsewhere beside it."""
    stamp = f"{BEFORE}{datetime.fromtimestamp(SystemClock().now(), UTC):%Y%m%dT%H%M%SZ}"
    folder = data / stamp
    for place in occupied:
        if place.parent == data:
            if not folder.exists():
                folder.mkdir(mode=0o700)
                own(folder)
            yield moves.Move(str(place), str(folder / place.name))
        else:
            suffix = next((suffix for suffix in BESIDE if place.name.endswith(suffix)), "")
            yield moves.Move(str(place), f"{str(place).removesuffix(suffix)}.{stamp}{suffix}")
    if occupied:
        sync_folder(data)


def _remove_drafts(settings: Settings) -> None:
    """Remove what is left of a restore that has ended, or that was interrupted before it changed anything.

    That is copies, a list that was not complete, and the directory for what would have been moved aside.
    """
    places = [settings.data_dir, settings.database_path.parent]
    places += [] if settings.clients_file is None else [settings.clients_file.parent]
    for folder in {path.absolute() for path in places if path.is_dir()}:
        for draft in folder.glob(f"{DRAFT}*"):
            shutil.rmtree(draft, ignore_errors=True)
    for draft in settings.data_dir.glob(f"{JOURNAL}.*"):
        draft.unlink()
    for aside in settings.data_dir.glob(f"{BEFORE}*"):
        with contextlib.suppress(OSError):  # of a directory that has files, which stay
            aside.rmdir()


def _check_restored(settings: Settings) -> None:
    """Raise CommandError unless the databases in their places are intact."""
    for name in DATABASES:
        path = settings.database_path if name == LEDGER else settings.data_dir / name
        if path.exists():
            check_database(path, name)


def _print_notes(settings: Settings, copy: Path, manifest: Manifest | None) -> None:
    """Say what the copy is, and what is not in it."""
    if manifest is None:
        notes = [f"{copy} has no {MANIFEST}: its databases are intact, and nobody can say whether it is complete."]
    else:
        notes = [f"{copy} was made by version {manifest.version} at {manifest.time}."]
    if not settings.flows_url.startswith(SQLITE):
        notes.append(FLOWS_IN_POSTGRESQL if (copy / LEDGER).exists() else ALL_IN_POSTGRESQL)
    if settings.storage_url is not None:
        notes.append(FILES_ELSEWHERE)
    if (copy / CLIENTS).exists() and settings.clients_file is None:
        notes.append(CLIENTS_STAY)
    for note in notes:
        print(note, file=sys.stderr)


def _report(copy: Path, data: Path, done: moves.Moves) -> None:
    restored = sorted(_shown(Path(move.target), data) for move in done.into_place)
    print(f"Restored {copy} to {data}: {', '.join(restored)}.")
    targets = [Path(move.target) for move in done.aside]
    if before := sorted({str(target if data not in target.parents else target.parent) for target in targets}):
        print(f"The data that was there before is in {', '.join(before)}: delete it when you need it no longer.")


def _shown(place: Path, data: Path) -> str:
    """Return the name of a part of the data directory, and the whole path of another one."""
    return place.name if place.parent == data else str(place)


def _is_equal(copy: Path, clients_file: Path) -> bool:
    """Return whether the clients file is that of the copy."""
    try:
        return clients_file.read_bytes() == (copy / CLIENTS).read_bytes()
    except OSError:
        return False

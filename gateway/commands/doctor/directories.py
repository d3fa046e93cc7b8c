"""Checks of the data directory: that it can be used, who else can, whether a gateway does, and what room there is."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.commands.copies import DATABASES, KEYS, LEDGER, SPOOL
from gateway.commands.data_directory import JOURNAL, is_in_use
from gateway.commands.doctor.findings import Finding, Installation, ok, problem, some_of, warning
from gateway.durable.leases import FOLDER as SLOTS
from gateway.settings import Settings

DIRECTORY, PERMISSIONS, GATEWAY, DISK = "data directory", "permissions", "gateway", "disk"
BESIDE = ("", "-wal", "-shm")
# The places of secrets that a container engine or systemd hands over: nobody else sees them there, whatever their mode.
MOUNTED = (Path("/run/secrets"), Path("/var/run/secrets"), Path("/run/credentials"))
MIB = 2**20
LEAST_BYTES, FEW_BYTES = 100 * MIB, 1_024 * MIB
LEAST_FILES, FEW_FILES = 1_000, 10_000


def directory(installation: Installation) -> Iterable[Finding]:
    data = installation.settings.data_dir.absolute()
    if not data.exists():
        above = _existing(data)
        if os.access(above, os.W_OK | os.X_OK, effective_ids=True):
            yield ok(DIRECTORY, f"{data} does not exist yet: the gateway creates it at its first start.")
        else:
            yield problem(
                DIRECTORY,
                f"{data} does not exist, and cannot be created in {above}.",
                "Create it for the user of the gateway, or set GATEWAY_DATA_DIR to another directory.",
            )
    elif not data.is_dir():
        yield problem(DIRECTORY, f"{data} is not a directory.", "Set GATEWAY_DATA_DIR to a directory.")
    elif not os.access(data, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        yield problem(DIRECTORY, f"{data} cannot be written.", f"`chown` it to the user of the gateway: {_user()}.")
    elif (data / JOURNAL).exists():
        yield problem(
            DIRECTORY,
            f"A restore of {data} was interrupted, and no gateway starts.",
            "Run `highlights-gateway restore` again, with the same copy.",
        )
    else:
        yield ok(DIRECTORY, f"{data} can be written.")


def use(installation: Installation) -> Iterable[Finding]:
    data = installation.settings.data_dir
    if data.is_dir():
        runs = is_in_use(data)
        yield ok(GATEWAY, f"{'A' if runs else 'No'} gateway runs on {data.absolute()}.")


@dataclass(frozen=True, slots=True)
class Owned:
    """A file or a directory that should belong to the user of the gateway alone."""

    path: Path
    found: os.stat_result

    @property
    def is_open_to_all(self) -> bool:
        return bool(self.found.st_mode & stat.S_IRWXO)

    @property
    def is_open_to_group(self) -> bool:
        return bool(self.found.st_mode & stat.S_IRWXG)


def permissions(installation: Installation) -> Iterable[Finding]:
    data = installation.settings.data_dir
    if not data.is_dir():
        return
    owner = data.stat().st_uid
    found = [*_owned(installation.settings), *_secret_files(installation)]
    findings = [*_by_owner(found, owner), *_by_mode(found), *_of_clients(installation.settings.clients_file)]
    yield from findings or [ok(PERMISSIONS, f"{len(found)} files and directories belong to {_name(owner)} alone.")]


def _by_owner(found: list[Owned], owner: int) -> Iterator[Finding]:
    if os.geteuid() not in (0, owner):
        yield problem(
            PERMISSIONS,
            f"The data directory belongs to {_name(owner)}, and this is {_user()}.",
            f"Run the gateway and its commands as {_name(owner)}.",
        )
    foreign = [str(one.path) for one in found if one.found.st_uid not in (owner, 0 if _is_mounted(one.path) else owner)]
    if foreign:
        yield problem(
            PERMISSIONS,
            f"{some_of(foreign)} do not belong to {_name(owner)}, who owns the data directory.",
            f"`chown {_name(owner)}` them: the gateway may not be able to use them.",
        )


def _by_mode(found: list[Owned]) -> Iterator[Finding]:
    found = [one for one in found if not _is_mounted(one.path)]
    if opened := [str(one.path) for one in found if one.is_open_to_all]:
        yield problem(PERMISSIONS, f"Every user of the machine can open {some_of(opened)}.", "`chmod go=` them.")
    elif shared := [str(one.path) for one in found if one.is_open_to_group]:
        yield warning(
            PERMISSIONS, f"The group can open {some_of(shared)}.", "`chmod g=` them, unless the group is the gateway's."
        )


def _of_clients(file: Path | None) -> Iterator[Finding]:
    """Yield findings about the clients file: it has digests of keys, and who writes it is a client."""
    if file is None or not file.exists():
        return
    mode = file.stat().st_mode
    if mode & stat.S_IWOTH:
        yield problem(PERMISSIONS, f"Every user of the machine can add clients to {file}.", f"`chmod o= {file}`.")
    elif mode & stat.S_IROTH:
        yield warning(PERMISSIONS, f"Every user of the machine can read {file}.", f"`chmod o= {file}`.")


def _owned(settings: Settings) -> Iterator[Owned]:
    data = settings.data_dir
    databases = [settings.database_path if name == LEDGER else data / name for name in DATABASES]
    files = [Path(f"{database}{suffix}") for database in databases for suffix in BESIDE]
    yield from _stats([data, *files, *(data / name for name in (*KEYS, SLOTS, SPOOL))])


def _secret_files(installation: Installation) -> Iterator[Owned]:
    yield from _stats(source.file for source in installation.sources.values() if source.file is not None)


def _stats(paths: Iterable[Path]) -> Iterator[Owned]:
    for path in paths:
        if path.exists():
            yield Owned(path.absolute(), path.stat())


def _is_mounted(path: Path) -> bool:
    return any(place in path.parents for place in MOUNTED)


def disk(installation: Installation) -> Iterable[Finding]:
    """Yield a finding for each file system that the gateway writes to."""
    settings = installation.settings
    places = [settings.data_dir, settings.data_dir / SPOOL, settings.database_path.parent]
    devices = {place.stat().st_dev: place for place in map(_existing, map(Path.absolute, places))}
    for place in devices.values():
        found = os.statvfs(place)
        yield of_room(place, found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def of_room(place: Path, room: int, files: int | None) -> Finding:
    """Return the finding about the bytes and the files that are free; None: the file system does not count files."""
    counted = "" if files is None else f" and {files:,} files"
    text = f"{place} has room for {room // MIB:,} MiB{counted}."
    remedy = "Make room: the ledger cannot be written on a full disk, and then nothing is bought."
    if room < LEAST_BYTES or (files is not None and files < LEAST_FILES):
        return problem(DISK, text, remedy)
    if room < FEW_BYTES or (files is not None and files < FEW_FILES):
        return warning(DISK, text, remedy)
    return ok(DISK, text)


def _existing(path: Path) -> Path:
    """Return the path, or the nearest one above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _name(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"


def _user() -> str:
    return _name(os.geteuid())

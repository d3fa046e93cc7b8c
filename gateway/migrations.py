"""Versions of stores, and the migrations that lead from one to the next.

A gateway brings an older store forward when it opens it, and leaves alone one whose minor version is higher than it
knows. A higher major version means that it cannot read the store, so that it refuses it before it writes anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from gateway.errors import Unusable
from gateway.version import version

T = TypeVar("T")


class Version(NamedTuple):
    """The version of a store. Older gateways read one with a higher `minor`, but none with a higher `major`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


ABSENT = Version(0, 0)
"""The version of a store that nothing was written to."""


@dataclass(frozen=True, slots=True)
class Migration(Generic[T]):
    """The step to a version from the one before. It must leave readable what it finds, unless it raises the major."""

    version: Version
    apply: Callable[[T], object]


@dataclass(frozen=True, slots=True)
class StoreVersion:
    """The version of a store and the one that this gateway knows. `writer` is the gateway that migrated it, if known.

    A store that does not exist yet is ABSENT.
    """

    found: Version
    known: Version
    writer: str | None = None

    def check(self, store: str) -> None:
        """Raise StoreTooNew, whose message begins with `store`, if the gateway cannot read it."""
        if self.found.major > self.known.major:
            raise StoreTooNew(store, self)


class StoreTooNew(Unusable):
    """The store was written by a newer gateway, in a form that this one does not read."""

    def __init__(self, store: str, versions: StoreVersion) -> None:
        writer = f", written by {versions.writer}" if versions.writer else ""
        super().__init__(
            f"{store} is of version {versions.found}{writer}, and this gateway ({version()}) knows {versions.known}: "
            "start the newer gateway again, or restore the backup that was made before the upgrade. Nothing was "
            "changed."
        )


def known(migrations: Sequence[Migration[T]]) -> Version:
    return migrations[-1].version


def pending(migrations: Sequence[Migration[T]], found: Version) -> list[Migration[T]]:
    """Return the migrations that a store of this version lacks, in their order."""
    return [migration for migration in migrations if migration.version > found]


# SQLite files. The major version is SQLite's `user_version`, which every gateway has checked; the rest is in a table.

Statements = Migration[sqlite3.Connection]
RECORD = """CREATE TABLE IF NOT EXISTS migrations (
    major INTEGER NOT NULL, minor INTEGER NOT NULL, gateway TEXT NOT NULL, applied_at TEXT NOT NULL,
    PRIMARY KEY (major, minor)) WITHOUT ROWID"""
APPLIED = "INSERT INTO migrations (major, minor, gateway, applied_at) VALUES (?, ?, ?, datetime('now'))"
LATEST = "SELECT minor, gateway FROM migrations WHERE major = ? ORDER BY minor DESC LIMIT 1"
HAS_RECORD = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'"


def statements(major: int, minor: int, *texts: str) -> Statements:
    """Return a migration of a SQLite file by these statements."""

    def apply(db: sqlite3.Connection) -> None:
        for text in texts:
            db.execute(text)

    return Migration(Version(major, minor), apply)


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing SQLite file without changing anything beside it. Raise sqlite3.Error.

    A file without a write-ahead log is in no use: SQLite would begin a log, and could not remove it.
    """
    is_in_use = path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(f"{path.absolute().as_uri()}?{'mode=ro' if is_in_use else 'immutable=1'}", uri=True)


def version_of(db: sqlite3.Connection, migrations: Sequence[Statements]) -> StoreVersion:
    """Return the version of a SQLite file. This only reads. Raise sqlite3.Error."""
    (major,) = db.execute("PRAGMA user_version").fetchone()
    (has_record,) = db.execute(HAS_RECORD).fetchone()
    minor, writer = (has_record and db.execute(LATEST, (major,)).fetchone()) or (0, None)
    return StoreVersion(Version(major, minor), known(migrations), writer)


def migrate(db: sqlite3.Connection, migrations: Sequence[Statements]) -> None:
    """Bring a SQLite file forward, within the caller's exclusive transaction. Raise sqlite3.Error."""
    lacking = pending(migrations, version_of(db, migrations).found)
    for migration in lacking:
        migration.apply(db)
    if lacking:
        db.execute(RECORD)
        db.executemany(APPLIED, [(*migration.version, version()) for migration in lacking])
        db.execute(f"PRAGMA user_version = {known(migrations).major}")

"""Stores of records beside that of the flows: each a SQLite file of its own, or tables in the same PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from gateway.durable.database import Database, DatabaseUse
from gateway.migrations import ABSENT, Migration, StoreVersion, Version, known, opened_for_reading, pending
from gateway.version import version

SQLITE = "sqlite:///"
CONNECT_SECONDS = 3
PATIENCE_SECONDS = 3.0


def version_table(name: str, metadata: sa.MetaData) -> sa.Table:
    """Return the description of the table with the versions of a store."""
    return sa.Table(
        name,
        metadata,
        sa.Column("major", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minor", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


@dataclass(frozen=True, slots=True)
class RecordStore:
    """A store: its `file` in the data directory, and its tables. `title` begins messages about it.

    `versions` is the table with its versions, which the first migration creates. `making` and `unavailable` are those
    of a DatabaseUse.
    """

    title: str
    file: str
    versions: sa.Table
    migrations: Sequence[Migration[sa.Connection]]
    making: int
    unavailable: type[Exception]

    def url(self, flows_url: str, directory: Path) -> str:
        """Return the SQLAlchemy URL of the store, by that of the flows."""
        return f"{SQLITE}{directory.absolute() / self.file}" if flows_url.startswith(SQLITE) else flows_url

    def opened(self, url: str) -> Database:
        """Return the database, without connecting."""
        use = DatabaseUse(
            self.migrate,
            self.making,
            self.unavailable,
            f"{self.title} cannot be read or written now: retry later.",
            f"{self.title} is in a file that was deleted or replaced: put it back, and start again.",
        )
        return Database(url, patience=PATIENCE_SECONDS, use=use)

    def version_of(self, db: sa.Connection) -> StoreVersion:
        """Return the version of the store. This only reads."""
        if not sa.inspect(db).has_table(self.versions.name):
            return StoreVersion(ABSENT, known(self.migrations))
        columns = self.versions.c
        latest = db.execute(sa.select(self.versions).order_by(columns.major.desc(), columns.minor.desc())).first()
        assert latest is not None, "the migration that creates the table writes a row in the same transaction"
        return StoreVersion(Version(latest.major, latest.minor), known(self.migrations), latest.gateway)

    def version_in(self, url: str) -> StoreVersion:
        """Return the version of the store at a URL. This only reads, and blocks. Raise the error `unavailable`."""
        file = url.removeprefix(SQLITE) if url.startswith(SQLITE) else None
        if file is not None and not Path(file).exists():
            return StoreVersion(ABSENT, known(self.migrations))
        engine = reading_engine(url)
        try:
            with engine.connect() as db:
                return self.version_of(db)
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as exc:
            raise self.unavailable(f"{self.title} cannot be read now.") from exc
        finally:
            engine.dispose()

    def migrate(self, db: sa.Connection) -> None:
        """Bring the store forward, within the transaction of one process at a time. Raise StoreTooNew."""
        versions = self.version_of(db)
        versions.check(self.title)
        for migration in pending(self.migrations, versions.found):
            migration.apply(db)
            major, minor = migration.version
            db.execute(self.versions.insert().values(major=major, minor=minor, gateway=version()))


def reading_engine(url: str) -> sa.Engine:
    """Return an engine that changes nothing, not even the mode in which a SQLite file is written."""
    if not url.startswith(SQLITE):
        return sa.create_engine(url, hide_parameters=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    path = Path(url.removeprefix(SQLITE))
    return sa.create_engine(url, hide_parameters=True, creator=lambda: opened_for_reading(path))

"""The version of the store of workflows, and its migrations. DBOS migrates its own tables beside them.

A migration must do for SQLite and for PostgreSQL, and for a store that has just been created with today's tables. A
release of DBOS whose tables earlier gateways cannot use is a version here too: a major one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.durable.tables import FLOWS, LEASES, METADATA
from gateway.errors import FlowsUnavailable
from gateway.migrations import ABSENT, Migration, StoreVersion, Version, known, opened_for_reading, pending
from gateway.version import version

CONNECT_SECONDS = 3
RECORD = sa.Table(
    "gateway_flow_migrations",
    sa.MetaData(),
    sa.Column("major", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minor", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("gateway", sa.Text, nullable=False),
    sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
MIGRATIONS: tuple[Migration[sa.Connection], ...] = (
    Migration(Version(1, 0), METADATA.create_all),
    Migration(Version(1, 1), RECORD.create),
    Migration(Version(1, 2), LEASES.create_all),
)
LATEST = sa.select(RECORD).order_by(RECORD.c.major.desc(), RECORD.c.minor.desc()).limit(1)


def version_of(db: sa.Connection) -> StoreVersion:
    """Return the version of the store. This only reads."""
    names = sa.inspect(db)
    if names.has_table(RECORD.name):
        latest = db.execute(LATEST).one()
        return StoreVersion(Version(latest.major, latest.minor), known(MIGRATIONS), latest.gateway)
    return StoreVersion(Version(1, 0) if names.has_table(FLOWS.name) else ABSENT, known(MIGRATIONS))


def version_in(url: str) -> StoreVersion:
    """Return the version of the store at a SQLAlchemy URL. This only reads, and blocks. Raise FlowsUnavailable."""
    file = sa.make_url(url).database if url.startswith("sqlite") else None
    if file is not None and not Path(file).exists():
        return StoreVersion(ABSENT, known(MIGRATIONS))
    engine = sa.create_engine(url, hide_parameters=True, **_for_reading(file))
    try:
        with engine.connect() as db:
            return version_of(db)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as exc:
        raise FlowsUnavailable("The version of the store of the flows cannot be read now.") from exc
    finally:
        engine.dispose()


def _for_reading(file: str | None) -> dict[str, Any]:
    """Return the arguments of an engine that changes nothing, not even the mode in which a SQLite file is written."""
    if file is None:
        return {"connect_args": {"connect_timeout": CONNECT_SECONDS}}
    return {"creator": lambda: opened_for_reading(Path(file))}


def migrate(db: sa.Connection) -> None:
    """Bring the store forward, within the transaction of one process at a time. Raise StoreTooNew."""
    versions = version_of(db)
    versions.check("The store of the flows")
    lacking = pending(MIGRATIONS, versions.found)
    for migration in lacking:
        migration.apply(db)
    if lacking:
        rows = [{"major": one.version.major, "minor": one.version.minor, "gateway": version()} for one in lacking]
        db.execute(RECORD.insert(), rows)

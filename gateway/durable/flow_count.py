"""The number of flows in a store, for a process that runs none."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from gateway.durable.port import Status
from gateway.durable.record_store import SQLITE, reading_engine
from gateway.durable.tables import FLOWS
from gateway.errors import FlowsUnavailable


def flows_in(url: str, statuses: Sequence[Status]) -> int:
    """Count the flows of these statuses in the store at a SQLAlchemy URL, which need not exist.

    This only reads, and blocks. Raise FlowsUnavailable.
    """
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        return 0
    engine = reading_engine(url)
    try:
        with engine.connect() as db:
            if not sa.inspect(db).has_table(FLOWS.name):
                return 0
            has_status = FLOWS.c.status.in_([status.value for status in statuses])
            return db.scalar(sa.select(sa.func.count()).select_from(FLOWS).where(has_status)) or 0
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as exc:
        raise FlowsUnavailable("The flows cannot be counted now.") from exc
    finally:
        engine.dispose()

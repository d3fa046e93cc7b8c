"""A SQLite ledger that is moved to PostgreSQL: it is retired first, and stays as it was then.

A retired file has a major version that no gateway reads: one that still runs on it buys nothing any more, and no
earlier gateway begins with it again. Its id keeps it from being added to PostgreSQL twice.
"""

from __future__ import annotations

import contextlib
import enum
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.billing.leases import ACCOUNT, CHARGED
from gateway.billing.ledger_file import BUSY_SECONDS, MIGRATIONS
from gateway.billing.ledger_store import Key, LedgerUnusable, Row
from gateway.migrations import opened_for_reading, version_of

RETIRED = 1000
MAJOR = "PRAGMA user_version"
RETIRE = ("CREATE TABLE moved (id TEXT NOT NULL, is_complete INTEGER NOT NULL)", f"PRAGMA user_version = {RETIRED}")
LEASES = "SELECT client, window, start, leased FROM leases WHERE leased > 0"
SPENDING = "SELECT day, client, endpoint, calls, billed FROM spending"


class State(enum.Enum):
    ABSENT = enum.auto()
    IN_USE = enum.auto()
    RETIRED = enum.auto()
    """Perhaps not in PostgreSQL yet: the move was interrupted."""
    MOVED = enum.auto()


@dataclass(frozen=True, slots=True)
class Content:
    """All that a retired file holds."""

    id: uuid.UUID
    leases: dict[Key, int]
    spending: list[Row]

    @property
    def windows(self) -> int:
        """The number of the clients' windows: the account is leased in hours."""
        return sum(client not in (ACCOUNT, CHARGED) for client, _, _ in self.leases)


def state_of(path: Path) -> State:
    """Return the state of a file. What is no ledger counts as in use: opening it tells why it cannot be used."""
    if not path.exists():
        return State.ABSENT
    try:
        with contextlib.closing(opened_for_reading(path)) as db:
            if db.execute(MAJOR).fetchone() != (RETIRED,):
                return State.IN_USE
            return State.MOVED if db.execute("SELECT is_complete FROM moved").fetchone()[0] else State.RETIRED
    except sqlite3.Error:
        return State.IN_USE


def retire(path: Path) -> Content:
    """Retire a file, if it is not retired yet, and return its content. Raise LedgerUnusable and StoreTooNew."""
    with _opened(path) as db:
        if db.execute(MAJOR).fetchone() != (RETIRED,):
            version_of(db, MIGRATIONS).check(f"The ledger {path}")
            for text in RETIRE:
                db.execute(text)
            db.execute("INSERT INTO moved (id, is_complete) VALUES (?, 0)", (str(uuid.uuid4()),))
        (id,) = db.execute("SELECT id FROM moved").fetchone()
        leases = {(client, window, start): leased for client, window, start, leased in db.execute(LEASES)}
        spending = [Row(date.fromisoformat(day), *rest) for day, *rest in db.execute(SPENDING)]
    return Content(uuid.UUID(id), leases, spending)


def complete(path: Path) -> None:
    """Note that the content of a retired file is in PostgreSQL. Raise LedgerUnusable."""
    with _opened(path) as db:
        db.execute("UPDATE moved SET is_complete = 1")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Run an exclusive transaction on an existing file."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
    except sqlite3.Error as exc:
        raise LedgerUnusable(f"The ledger {path} cannot be moved ({exc}): is it a file of the gateway?") from exc

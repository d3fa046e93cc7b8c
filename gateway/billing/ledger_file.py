"""The ledger's SQLite file: all of its SQL, one connection per object.

Two tables. `leases` holds, per client and window, the amount of the allowance that all processes together have leased
and not handed back. `spending` holds the amounts billed, per day (UTC), client and endpoint.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from gateway.billing.ledger_store import UNITEMISED, Key, LedgerUnusable, Row, unavailable
from gateway.errors import LedgerUnavailable
from gateway.files import identity, make_file
from gateway.migrations import HAS_RECORD, RECORD, StoreTooNew, StoreVersion, known, migrate, statements, version_of

# Seconds a thread waits for another process's commit: longer than any commit, shorter than a client's timeout.
BUSY_SECONDS = 2.0
# SQLite keeps these files open beside the database itself. Data written to one that was deleted is lost.
SUFFIXES = ("", "-wal", "-shm")
SWITCHES = 50

MIGRATIONS = (
    statements(
        1,
        0,
        """CREATE TABLE leases (
        client TEXT NOT NULL, window TEXT NOT NULL, start INTEGER NOT NULL, leased INTEGER NOT NULL,
        PRIMARY KEY (client, window, start)) WITHOUT ROWID""",
        """CREATE TABLE spending (
        day TEXT NOT NULL, client TEXT NOT NULL, endpoint TEXT NOT NULL,
        calls INTEGER NOT NULL, billed INTEGER NOT NULL,
        PRIMARY KEY (day, client, endpoint)) WITHOUT ROWID""",
    ),
    statements(1, 1, RECORD),
)

# Columns are named: a later version may add some.
LEASED = "SELECT leased FROM leases WHERE client = ? AND window = ? AND start = ?"
LEASE = """INSERT INTO leases (client, window, start, leased) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET leased = leased + excluded.leased"""
SPEND = """INSERT INTO spending (day, client, endpoint, calls, billed) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, billed = billed + excluded.billed"""
PRUNE = "DELETE FROM leases WHERE window IN ('minute', 'hour') AND start < ?"
MADE = "SELECT CAST(strftime('%s', applied_at) AS INTEGER) FROM migrations WHERE major = 1 AND minor = 0"
REPORT = """
WITH itemised AS (
    SELECT day, client, endpoint, calls, billed FROM spending
    WHERE day BETWEEN :since AND :until AND client = ifnull(:client, client)
), days AS (
    SELECT date(start, 'unixepoch') AS day, client, leased FROM leases
    WHERE window = 'day' AND day BETWEEN :since AND :until AND client = ifnull(:client, client)
), rest AS (
    SELECT day, client, leased - ifnull(
        (SELECT sum(billed) FROM itemised WHERE itemised.day = days.day AND itemised.client = days.client), 0) AS billed
    FROM days
)
SELECT day, client, endpoint, calls, billed FROM itemised
UNION ALL SELECT day, client, :unitemised, 0, billed FROM rest WHERE billed > 0
ORDER BY day, client, endpoint
"""


class LedgerFile:
    """One connection. Methods raise LedgerUnavailable when the file cannot be read or written at the moment."""

    def __init__(self, path: Path, *, waits: bool = True) -> None:
        """Open the file, or create it. Raise LedgerUnusable and StoreTooNew.

        With `waits` off, statements do not wait for the locks of other processes once the file is open.
        """
        self._path = path
        with contextlib.suppress(OSError):  # SQLite would create it readable by all; SQLite also reports what is wrong
            make_file(path)
        try:
            # Several threads use the connection; the caller admits one at a time.
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as exc:
            raise LedgerUnusable(f"The ledger {path} cannot be opened: does its directory exist?") from exc
        try:
            self._prepare(path)
        except (sqlite3.Error, LedgerUnavailable) as exc:
            self.close()
            reason = exc.__cause__ or exc
            raise LedgerUnusable(f"The ledger {path} cannot be used ({reason}): is it a file of the gateway?") from exc
        except StoreTooNew:
            self.close()
            raise
        if not waits:
            self._db.execute("PRAGMA busy_timeout = 0")
        self._opened = [identity(f"{path}{suffix}") for suffix in SUFFIXES]

    def is_in_place(self, *, all_files: bool = False) -> bool:
        """Return whether the path still leads to the file that was opened.

        With `all_files`, check the paths of SQLite's own files, too.
        """
        count = len(SUFFIXES) if all_files else 1
        return [identity(f"{self._path}{suffix}") for suffix in SUFFIXES[:count]] == self._opened[:count]

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[LedgerFile]:
        """Run an atomic transaction, exclusive among the writers of all processes from the first statement on."""
        with self._exclusive():
            if self._db.execute("PRAGMA user_version").fetchone() != (known(MIGRATIONS).major,):
                raise unavailable()  # a newer gateway has migrated the file meanwhile
            yield self
            if not self.is_in_place(all_files=True):
                raise unavailable()

    def leased(self, client: str, window: str, start: int) -> int:
        """Return the amount that all processes have leased of a window."""
        try:
            row = self._db.execute(LEASED, (client, window, start)).fetchone()
        except sqlite3.Error as exc:
            raise unavailable() from exc
        return int(row[0]) if row else 0

    def lock(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Return the amounts that all processes have leased. Only within a transaction, which is exclusive."""
        return {key: self.leased(*key) for key in keys}

    def read(self, keys: Sequence[Key]) -> dict[Key, int]:
        return self.lock(keys)

    def add(self, amounts: Mapping[Key, int]) -> None:
        """Add to leases. Only within a transaction."""
        for key, amount in amounts.items():
            self.lease(*key, amount)

    def lease(self, client: str, window: str, start: int, amount: int) -> None:
        """Add `amount` to a lease; a negative amount is handed back. Only within a transaction."""
        self._db.execute(LEASE, (client, window, start, amount))

    def spend(self, rows: Iterable[Row]) -> None:
        """Add rows to the itemised spending. Only within a transaction."""
        self._db.executemany(
            SPEND, [(row.day.isoformat(), row.client, row.endpoint, row.calls, row.billed) for row in rows]
        )

    def prune(self, before: int) -> None:
        """Delete the leases of minutes and hours before a Unix second. Only within a transaction."""
        self._db.execute(PRUNE, (before,))

    def report(self, since: date, until: date, client: str | None) -> list[Row]:
        try:
            return _report(self._db, since, until, client)
        except sqlite3.Error as exc:
            raise unavailable() from exc

    def made(self) -> float | None:
        """Return when the file was made, in Unix seconds; None of a file that an earlier version made."""
        try:
            return _made(self._db)
        except sqlite3.Error as exc:
            raise unavailable() from exc

    def _prepare(self, path: Path) -> None:
        self._version(path)
        self._enable_wal()
        self._db.execute("PRAGMA synchronous = FULL")
        # The switch from a rollback journal creates none of SQLite's own files: the next read does, and from then on
        # they must stay in place. A file that `backup` made is in this mode.
        versions = self._version(path)
        if versions.found < versions.known:
            with self._exclusive():
                # Another process may have migrated the file while this one waited for its lock.
                self._version(path)
                migrate(self._db, MIGRATIONS)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.Error as exc:
            raise unavailable() from exc

    def _enable_wal(self) -> None:
        """Switch to WAL mode.

        Unlike all other statements, the switch does not wait for a process that switches at the same time: a
        transaction does.
        """
        for _ in range(SWITCHES):
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            with self._exclusive():
                pass
        raise unavailable()

    def _version(self, path: Path) -> StoreVersion:
        """Return the version. Raise StoreTooNew."""
        versions = version_of(self._db, MIGRATIONS)
        versions.check(f"The ledger {path}")
        return versions


def report_of(path: Path, since: date) -> tuple[list[Row], float | None]:
    """Return the spending from a day on, and when the file was made.

    The file is not changed, not even its mode. Raise LedgerUnavailable.
    """
    # A connection that may not write leaves SQLite's own files behind.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as db:
            return _report(db, since, date.max, None), _made(db)
    except sqlite3.Error as exc:
        raise unavailable() from exc


def _report(db: sqlite3.Connection, since: date, until: date, client: str | None) -> list[Row]:
    query = {"since": since.isoformat(), "until": until.isoformat(), "client": client, "unitemised": UNITEMISED}
    return [Row(date.fromisoformat(day), *rest) for day, *rest in db.execute(REPORT, query)]


def _made(db: sqlite3.Connection) -> float | None:
    has_record = db.execute(HAS_RECORD).fetchone()[0]
    row = db.execute(MADE).fetchone() if has_record else None
    return None if row is None else float(row[0])

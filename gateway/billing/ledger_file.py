"""The ledger's SQLite file: all of its SQL, one connection per object.

Two tables. `leases` holds, per client and window, the amount of the allowance that all processes together have leased
and not handed back. `spending` holds the amounts billed, per day (UTC), client and endpoint.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.errors import LedgerUnavailable, Unusable
from gateway.files import identity, make_file

VERSION = 1
# Seconds a thread waits for another process's commit: longer than any commit, shorter than a client's timeout.
BUSY_SECONDS = 2.0
# SQLite keeps these files open beside the database itself. Data written to one that was deleted is lost.
SUFFIXES = ("", "-wal", "-shm")
UNITEMISED = "(not itemised)"

SWITCHES = 50

SCHEMA = (
    """CREATE TABLE leases (
        client TEXT NOT NULL, window TEXT NOT NULL, start INTEGER NOT NULL, leased INTEGER NOT NULL,
        PRIMARY KEY (client, window, start)) WITHOUT ROWID""",
    """CREATE TABLE spending (
        day TEXT NOT NULL, client TEXT NOT NULL, endpoint TEXT NOT NULL,
        calls INTEGER NOT NULL, billed INTEGER NOT NULL,
        PRIMARY KEY (day, client, endpoint)) WITHOUT ROWID""",
    f"PRAGMA user_version = {VERSION}",
)

LEASED = "SELECT leased FROM leases WHERE client = ? AND window = ? AND start = ?"
LEASE = """INSERT INTO leases VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET leased = leased + excluded.leased"""
SPEND = """INSERT INTO spending VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, billed = billed + excluded.billed"""
PRUNE = "DELETE FROM leases WHERE window IN ('minute', 'hour') AND start < ?"
REPORT = """
WITH itemised AS (
    SELECT * FROM spending WHERE day BETWEEN :since AND :until AND client = ifnull(:client, client)
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


class LedgerFileError(Unusable):
    """The ledger's file cannot be used at all: the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Row:
    """The spending of one client on one endpoint in one day (UTC). `calls` counts the billed ones."""

    day: date
    client: str
    endpoint: str
    calls: int
    billed: int


class LedgerFile:
    """One connection. Methods raise LedgerUnavailable when the file cannot be read or written at the moment."""

    def __init__(self, path: Path, *, waits: bool = True) -> None:
        """Open the file, or create it. Raise LedgerFileError.

        With `waits` off, statements do not wait for the locks of other processes once the file is open.
        """
        self._path = path
        with contextlib.suppress(OSError):  # SQLite would create it readable by all; SQLite also reports what is wrong
            make_file(path)
        try:
            # Several threads use the connection; the caller admits one at a time.
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as exc:
            raise LedgerFileError(f"The ledger {path} cannot be opened: does its directory exist?") from exc
        try:
            self._prepare(path)
        except (sqlite3.Error, LedgerUnavailable) as exc:
            self.close()
            reason = exc.__cause__ or exc
            raise LedgerFileError(f"The ledger {path} cannot be used ({reason}): is it a file of the gateway?") from exc
        except LedgerFileError:
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
    def transaction(self) -> Iterator[None]:
        """Run an atomic transaction, exclusive among the writers of all processes from the first statement on."""
        with self._exclusive():
            yield
            if not self.is_in_place(all_files=True):
                raise unavailable()

    def leased(self, client: str, window: str, start: int) -> int:
        """Return the amount that all processes have leased of a window."""
        try:
            row = self._db.execute(LEASED, (client, window, start)).fetchone()
        except sqlite3.Error as exc:
            raise unavailable() from exc
        return int(row[0]) if row else 0

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
        query = {"since": since.isoformat(), "until": until.isoformat(), "client": client, "unitemised": UNITEMISED}
        try:
            found = self._db.execute(REPORT, query).fetchall()
        except sqlite3.Error as exc:
            raise unavailable() from exc
        return [Row(date.fromisoformat(day), *rest) for day, *rest in found]

    def _prepare(self, path: Path) -> None:
        self._enable_wal()
        self._db.execute("PRAGMA synchronous = FULL")
        if self._version(path) == VERSION:
            return
        with self._exclusive():
            # Another process may have created the tables while this one waited for its lock.
            if self._version(path) < VERSION:
                for statement in SCHEMA:
                    self._db.execute(statement)

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

    def _version(self, path: Path) -> int:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise LedgerFileError(
                f"The ledger {path} is of version {version}, this gateway knows {VERSION}: "
                "start the newer gateway that wrote it, or give this one a file of its own."
            )
        return version


def unavailable() -> LedgerUnavailable:
    return LedgerUnavailable("Spending cannot be recorded now, so nothing may be bought. Ask again later.")

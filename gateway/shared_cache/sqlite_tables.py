"""The statements on the store in a SQLite file. All of them block, and raise sqlite3.Error."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from gateway.shared_cache.sqlite_schema import PAGE_BYTES, synchronous
from gateway.shared_cache.store_port import (
    EVERYTHING,
    Lock,
    LoggedInvalidation,
    LogPosition,
    StoredValue,
    TurnClaim,
)

LEASE_SECONDS = 3.0
LOG_LENGTH = 10_000
RELEASES_LENGTH = 1_000
EVICTED = 20  # values at once
VALUE = """
SELECT coalesce(aliased.value, own.value), coalesce(aliased.fresh_until, own.fresh_until)
FROM answers AS own LEFT JOIN answers AS aliased ON aliased.name = own.alias AND aliased.expires_at > :now
WHERE own.name = :name AND own.expires_at > :now
"""
PUT = "INSERT OR REPLACE INTO answers (name, alias, value, fresh_until, expires_at) VALUES (?, ?, ?, ?, ?)"
LATER = "SELECT number, subjects FROM log WHERE number > ? ORDER BY number"
ENTRIES = "SELECT number, origin, count, message FROM log WHERE number > ? ORDER BY number"
ADD = "INSERT INTO log (origin, count, subjects, message) VALUES (?, ?, ?, ?)"


class SqliteTables:
    """The tables in an open file. The values take at most `max_bytes`."""

    def __init__(self, db: sqlite3.Connection, max_bytes: int) -> None:
        self._db = db
        self._max_pages = max_bytes // PAGE_BYTES
        (self.epoch,) = db.execute("SELECT name FROM epoch").fetchone()

    def find(self, names: Sequence[str], now: float) -> list[bytes | None]:
        return [value for value, _ in (self._value(name, now) for name in names)]

    def claim(self, lock: Lock, names: Sequence[str], now: float) -> TurnClaim:
        values = [value for value, fresh_until in (self._value(name, now) for name in names) if fresh_until > now]
        found = tuple(value for value in values if value is not None)
        if len(found) == len(names):
            return TurnClaim(values=found)
        with self._transaction():
            token, until = self._holder(lock.name)
            if token != lock.token and until > now:
                return TurnClaim(wait=until - now)
            self._db.execute("INSERT OR REPLACE INTO locks VALUES (?, ?, ?)", [*lock, now + LEASE_SECONDS])
        return TurnClaim(lock=lock)

    def prolong(self, lock: Lock, now: float) -> bool:
        with self._transaction():
            token, until = self._holder(lock.name)
            if token != lock.token or until <= now:
                return False
            self._db.execute("UPDATE locks SET until = ? WHERE name = ?", [now + LEASE_SECONDS, lock.name])
        return True

    def release(self, lock: Lock) -> None:
        with self._transaction():
            if self._db.execute("DELETE FROM locks WHERE name = ? AND token = ?", lock).rowcount:
                number = self._db.execute("INSERT INTO releases (lock) VALUES (?)", [lock.name]).lastrowid or 0
                self._db.execute("DELETE FROM releases WHERE number <= ?", [number - RELEASES_LENGTH])

    def put(self, values: Sequence[StoredValue], begun: LogPosition, subjects: Sequence[str], now: float) -> bool:
        with self._transaction():
            if not self._may_store(begun, subjects):
                return False
            for value in values:
                text, data = (value.value.decode(), None) if value.is_alias else (None, value.value)
                self._db.execute(PUT, [value.name, text, data, value.fresh_until, value.expires_at])
            self._evict(now)
        return True

    def invalidate(self, invalidation: LoggedInvalidation) -> None:
        with synchronous(self._db), self._transaction():
            if EVERYTHING in invalidation.subjects:
                self._db.execute("DELETE FROM answers")
            self._db.executemany("DELETE FROM answers WHERE name = ?", [[name] for name in invalidation.names])
            subjects = ",".join(invalidation.subjects)
            entry = [invalidation.origin, invalidation.number, subjects, invalidation.message]
            number = self._db.execute(ADD, entry).lastrowid or 0
            # Earlier entries name users: whoever has missed them forgets everything in any case.
            length = 1 if EVERYTHING in invalidation.subjects else LOG_LENGTH
            self._db.execute("DELETE FROM log WHERE number <= ?", [number - length])
        if EVERYTHING in invalidation.subjects:
            # The write-ahead log still has what was deleted; while others read, one of its next checkpoints removes it.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def position(self) -> LogPosition:
        return LogPosition(self.epoch, self._last("log"), "")

    def last_release(self) -> int:
        return self._last("releases")

    def entries(self, after: int) -> list[tuple[int, str, int, bytes]]:
        """Return the entries of the log after this number: number, origin, the origin's number, message."""
        return self._db.execute(ENTRIES, [after]).fetchall()

    def releases(self, after: int) -> list[tuple[int, str]]:
        """Return the locks that were returned after this number."""
        return self._db.execute(
            "SELECT number, lock FROM releases WHERE number > ? ORDER BY number", [after]
        ).fetchall()

    def sweep(self, now: float) -> None:
        """Remove what has ended. This writes in any case."""
        with self._transaction():
            self._db.execute("DELETE FROM answers WHERE expires_at <= ?", [now])
            self._db.execute("DELETE FROM locks WHERE until <= ?", [now])
            self._db.execute("INSERT INTO releases (lock) VALUES ('')")

    def close(self) -> None:
        self._db.close()

    def _value(self, name: str, now: float) -> tuple[bytes | None, float]:
        found = self._db.execute(VALUE, {"name": name, "now": now}).fetchone()
        return (None, 0.0) if found is None else found

    def _holder(self, lock: str) -> tuple[str | None, float]:
        found = self._db.execute("SELECT token, until FROM locks WHERE name = ?", [lock]).fetchone()
        return (None, 0.0) if found is None else found

    def _may_store(self, begun: LogPosition, subjects: Sequence[str]) -> bool:
        """Return whether none of the subjects was invalidated after `begun`, as far as the log reaches back."""
        if begun.epoch != self.epoch or begun.number > self._last("log"):
            return False
        later = self._db.execute(LATER, [begun.number]).fetchall()
        if len(later) != self._last("log") - begun.number:
            return False
        invalidated = {subject for _, text in later for subject in text.split(",")}
        return not invalidated & {EVERYTHING, *subjects}

    def _last(self, table: str) -> int:
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
        return 0 if found is None else int(found[0])

    def _evict(self, now: float) -> None:
        """Remove what has ended, and if the file is full what ends first."""
        if self._pages() <= self._max_pages:
            return
        self._db.execute("DELETE FROM answers WHERE expires_at <= ?", [now])
        self._db.execute("DELETE FROM locks WHERE until <= ?", [now])
        while self._pages() > self._max_pages:
            first = "DELETE FROM answers WHERE name IN (SELECT name FROM answers ORDER BY expires_at LIMIT ?)"
            if not self._db.execute(first, [EVICTED]).rowcount:
                return

    def _pages(self) -> int:
        (count,), (free,) = (self._db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count"))
        return int(count - free)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

"""The ledger's store in PostgreSQL, which processes on any number of machines share.

A transaction locks the rows of all its leases by one statement and in one order, so that no two of them wait for each
other, and no process leases an amount that another has seen. Its last statement writes its number into the row of its
process. If the connection breaks during a commit, that row tells whether the transaction was committed; and if the row
is missing or has another number, the database is not the one that this process has written.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import psycopg

from gateway.billing import postgres_schema
from gateway.billing.ledger_store import (
    UNITEMISED,
    Key,
    LedgerSetBack,
    LedgerUncertain,
    LedgerUnusable,
    Row,
    unavailable,
)
from gateway.billing.postgres_connection import bounded, connected
from gateway.billing.postgres_schema import MIGRATIONS
from gateway.billing.postgres_tables import Connection
from gateway.errors import LedgerUnavailable, Unusable
from gateway.migrations import known

PRUNE_SECONDS = 3_600  # between two of them
CHECK = """SELECT (SELECT max(major) FROM gateway_ledger_migrations),
    (SELECT round FROM gateway_ledger_processes WHERE process = %s), pg_is_in_recovery()"""
LOCK = """INSERT INTO gateway_ledger_leases AS lease (client, "window", start, leased)
    SELECT given.*, 0 FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS given
    ON CONFLICT (client, "window", start) DO UPDATE SET leased = lease.leased
    RETURNING client, "window", start, leased"""
READ = """SELECT client, "window", start, leased FROM gateway_ledger_leases
    JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS given (client, "window", start)
    USING (client, "window", start)"""
ADD = """UPDATE gateway_ledger_leases AS lease SET leased = lease.leased + given.amount
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS given (client, "window", start, amount)
    WHERE (lease.client, lease."window", lease.start) = (given.client, given."window", given.start)"""
SPEND = """INSERT INTO gateway_ledger_spending AS spending (day, client, endpoint, calls, billed)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    ON CONFLICT (day, client, endpoint) DO UPDATE
    SET calls = spending.calls + excluded.calls, billed = spending.billed + excluded.billed"""
# Rows that another transaction locks are left to the next time.
PRUNE = """DELETE FROM gateway_ledger_leases WHERE (client, "window", start) IN (
    SELECT client, "window", start FROM gateway_ledger_leases
    WHERE "window" IN ('minute', 'hour') AND start < %s FOR UPDATE SKIP LOCKED)"""
# Each process writes its row every hour, even if it sells nothing.
FORGET = """DELETE FROM gateway_ledger_processes WHERE process IN (
    SELECT process FROM gateway_ledger_processes WHERE at < now() - interval '30 days' FOR UPDATE SKIP LOCKED)"""
ENTER = "INSERT INTO gateway_ledger_processes (process, round) VALUES (%s, 0) ON CONFLICT DO NOTHING"
NUMBER = "UPDATE gateway_ledger_processes SET round = %s, at = now() WHERE process = %s"
NUMBERED = "SELECT round FROM gateway_ledger_processes WHERE process = %s FOR UPDATE"
REPORT = """
WITH itemised AS (
    SELECT day, client, endpoint, calls, billed FROM gateway_ledger_spending
    WHERE day BETWEEN %(since)s AND %(until)s AND client = coalesce(%(client)s::text, client)
), days AS (
    SELECT (to_timestamp(start) AT TIME ZONE 'UTC')::date AS day, client, leased FROM gateway_ledger_leases
    WHERE "window" = 'day' AND client = coalesce(%(client)s::text, client)
), rest AS (
    SELECT day, client, leased - coalesce((SELECT sum(billed) FROM itemised
        WHERE itemised.day = days.day AND itemised.client = days.client), 0) AS billed
    FROM days WHERE day BETWEEN %(since)s AND %(until)s
), lines AS (
    SELECT day, client, endpoint, calls, billed FROM itemised
    UNION ALL SELECT day, client, %(unitemised)s, 0, billed FROM rest WHERE billed > 0
)
SELECT day, client, endpoint, calls, billed FROM lines ORDER BY day, client COLLATE "C", endpoint COLLATE "C"
"""


class PostgresLedger:
    """The tables in the database at `url`, by one connection, which is made again when it has broken."""

    is_remote = True

    def __init__(self, url: str) -> None:
        """Create the tables or bring them forward. Raise LedgerUnusable and StoreTooNew.

        A database that cannot be reached is not an error: the ledger is unavailable until it can be.
        """
        self._url = url
        self._process = uuid.uuid4()
        self._db: Connection | None = None
        self._round = 0
        self._is_prepared = False
        self._is_lost = False
        self._made: float | None = None
        self._pruned_before = 0
        try:
            self._connection()
        except LedgerUnavailable as problem:
            if isinstance(problem.__cause__, psycopg.ProgrammingError):
                reason = problem.__cause__.diag.message_primary
                raise LedgerUnusable(
                    f"The tables of the ledger cannot be created in PostgreSQL ({reason}): the role must own them."
                ) from None

    @property
    def is_lost(self) -> bool:
        return self._is_lost

    def is_in_place(self) -> bool:
        return not self._is_lost

    def leased(self, key: Key) -> int | None:
        return None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        db = self._begun()
        with self._failing_as_unavailable(), bounded(db):
            transaction = PostgresTransaction(db)
            yield transaction
            is_pruned = self._prune(transaction)
            if not (transaction.has_written or is_pruned):
                db.rollback()
                return
            db.execute(NUMBER, [self._round + 1, self._process])
            self._round += 1
            try:
                db.commit()
            except psycopg.Error as exc:
                raise LedgerUncertain(unavailable().message) from exc
            self._pruned_before = max(self._pruned_before, transaction.pruned_before)

    def _prune(self, transaction: PostgresTransaction) -> bool:
        """Delete what is out of date, once in an hour, and return whether that was done."""
        if transaction.pruned_before < self._pruned_before + PRUNE_SECONDS:
            return False
        transaction.delete_outdated()
        return True

    def is_committed(self) -> bool:
        db = self._usable()
        with self._failing_as_unavailable(), bounded(db):
            row = db.execute(NUMBERED, [self._process]).fetchone()
            db.rollback()
        if row is None or row[0] not in (self._round, self._round - 1):
            self._is_lost = True
            raise LedgerSetBack(unavailable().message)
        is_committed = bool(row[0] == self._round)
        self._round = row[0]
        return is_committed

    def report(self, since: date, until: date, client: str | None) -> list[Row]:
        """Read by a connection of its own. Raise LedgerUnavailable."""
        try:
            with contextlib.closing(connected(self._url)) as db, bounded(db):
                return reported(db, since, until, client)
        except psycopg.Error as exc:
            raise unavailable() from exc

    def made(self) -> float | None:
        return self._made

    def close(self) -> None:
        self._disconnect()

    def _begun(self) -> Connection:
        """Begin a transaction and check the tables, by a new connection if the present one has broken meanwhile."""
        is_new = self._db is None
        try:
            return self._checked(self._usable())
        except LedgerUnavailable as problem:
            if is_new or not isinstance(problem.__cause__, psycopg.OperationalError):
                raise
        return self._checked(self._usable())

    def _usable(self) -> Connection:
        """Return the connection, or a new one. Raise LedgerUnavailable."""
        try:
            return self._connection()
        except Unusable as exc:  # the database could not be reached at the start, and has a newer ledger
            raise unavailable() from exc

    def _connection(self) -> Connection:
        """Return the connection, or a new one. Raise LedgerUnavailable, and until the tables are known StoreTooNew."""
        if self._db is not None:
            return self._db
        try:
            self._db = db = connected(self._url)
        except psycopg.Error as exc:
            raise unavailable() from exc
        if not self._is_prepared:
            with self._failing_as_unavailable(), bounded(db):
                postgres_schema.migrate(db)
                db.execute(ENTER, [self._process])
                self._made = postgres_schema.made(db)
                db.commit()
                self._is_prepared = True
        return db

    def _checked(self, db: Connection) -> Connection:
        """Raise LedgerUnavailable if the tables are not those that this process has written, or are too new."""
        with self._failing_as_unavailable(), bounded(db):
            row = db.execute(CHECK, [self._process]).fetchone()
            major, number, is_standby = row or (None, None, None)
            if number != self._round:
                self._is_lost = True
                raise LedgerSetBack(unavailable().message)
            if major != known(MIGRATIONS).major or is_standby:
                raise unavailable()
            self._is_lost = False
            return db

    @contextlib.contextmanager
    def _failing_as_unavailable(self) -> Iterator[None]:
        """Drop the connection when anything fails: the server undoes what was not committed."""
        try:
            yield
        except psycopg.Error as exc:
            self._disconnect()
            self._is_lost |= isinstance(exc, psycopg.errors.UndefinedTable)
            raise unavailable() from exc
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


class PostgresTransaction:
    """A transaction on one connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.has_written = False
        self.pruned_before = 0

    def lock(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Lock the rows in the order of the keys, which is the same in each process, and create those that lack."""
        if not keys:
            return {}
        self.has_written = True
        return _amounts(self._db.execute(LOCK, _columns(sorted(keys))).fetchall())

    def read(self, keys: Sequence[Key]) -> dict[Key, int]:
        found = _amounts(self._db.execute(READ, _columns(keys)).fetchall()) if keys else {}
        return {key: found.get(key, 0) for key in keys}

    def add(self, amounts: Mapping[Key, int]) -> None:
        if amounts:
            self._db.execute(ADD, [*_columns(list(amounts)), list(amounts.values())])

    def spend(self, rows: Iterable[Row]) -> None:
        ordered = sorted((row.day, row.client, row.endpoint, row.calls, row.billed) for row in rows)
        if ordered:
            self.has_written = True
            self._db.execute(SPEND, [list(column) for column in zip(*ordered, strict=True)])

    def prune(self, before: int) -> None:
        """Note the time: that is done once in an hour."""
        self.pruned_before = before

    def delete_outdated(self) -> None:
        self._db.execute(PRUNE, [self.pruned_before])
        self._db.execute(FORGET)


def reported(db: Connection, since: date, until: date, client: str | None) -> list[Row]:
    """Return the rows of a report. Raise psycopg.Error."""
    query = {"since": since, "until": until, "client": client, "unitemised": UNITEMISED}
    return [
        Row(day, name, endpoint, int(calls), int(billed))
        for day, name, endpoint, calls, billed in db.execute(REPORT, query)
    ]


def _columns(keys: Sequence[Key]) -> list[list[object]]:
    return [[key[column] for key in keys] for column in range(3)]


def _amounts(rows: Iterable[tuple[object, ...]]) -> dict[Key, int]:
    return {(str(client), str(window), int(str(start))): int(str(leased)) for client, window, start, leased in rows}

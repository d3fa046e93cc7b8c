"""Places of a ledger's store, for the contract of all stores: a SQLite file, a PostgreSQL database."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg

from gateway.billing.leases import ACCOUNT, CHARGED
from gateway.billing.ledger import Ledger
from gateway.billing.ledger_store import LedgerStore
from gateway.billing.postgres_ledger import PostgresLedger
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.clock import Clock
from tests.billing.budgets import leased

TABLES = ("gateway_ledger_leases", "gateway_ledger_spending", "gateway_ledger_processes")


class Place(Protocol):
    @property
    def argument(self) -> str:
        """For a process, which opens it by `opened_at`."""

    def store(self) -> LedgerStore: ...

    def leased(self) -> dict[str, int]:
        """Of the clients, by window, summed up, as any other program reads it."""

    def of_the_account(self) -> dict[str, int]:
        """The amounts that are leased of the account, and charged, summed up."""

    def away(self) -> contextlib.AbstractContextManager[None]:
        """The store cannot be read or written meanwhile."""

    def set_back(self) -> None:
        """The store is as it was before anything was leased, and at the same place."""

    def set_version(self, major: int, minor: int) -> None:
        """As a later gateway does, or an earlier one did."""

    def versions(self) -> list[tuple[int, int]]:
        """All that were applied."""


@dataclass(frozen=True)
class SqlitePlace:
    path: Path

    @property
    def argument(self) -> str:
        return str(self.path)

    def store(self) -> LedgerStore:
        return SqliteLedger(self.path)

    def leased(self) -> dict[str, int]:
        return leased(self.path)

    def of_the_account(self) -> dict[str, int]:
        query = "SELECT client, sum(leased) FROM leases WHERE client IN (?, ?) GROUP BY client"
        with closing(sqlite3.connect(self.path)) as db:
            return dict(db.execute(query, (ACCOUNT, CHARGED)))

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        away = self.path.with_name("away.db")
        self.path.rename(away)
        yield
        away.rename(self.path)

    def set_back(self) -> None:
        empty = self.path.with_name("empty.db")
        SqliteLedger(empty).close()
        with closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(empty, self.path)

    def set_version(self, major: int, minor: int) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute(f"PRAGMA user_version = {major}")
            db.execute("DELETE FROM migrations WHERE (major, minor) > (?, ?)", (major, minor))
            db.execute("INSERT OR IGNORE INTO migrations VALUES (?, ?, '9.9.9', datetime('now'))", (major, minor))

    def versions(self) -> list[tuple[int, int]]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute("SELECT major, minor FROM migrations ORDER BY 1, 2").fetchall()


@dataclass(frozen=True)
class PostgresPlace:
    url: str

    @property
    def argument(self) -> str:
        return self.url

    def store(self) -> LedgerStore:
        return PostgresLedger(self.url)

    def leased(self) -> dict[str, int]:
        query = """SELECT "window", sum(leased)::int FROM gateway_ledger_leases WHERE client NOT IN (%s, %s)
            GROUP BY "window" HAVING sum(leased) > 0"""
        with self.connection() as db:
            return dict(db.execute(query, [ACCOUNT, CHARGED]).fetchall())

    def of_the_account(self) -> dict[str, int]:
        query = "SELECT client, sum(leased)::int FROM gateway_ledger_leases WHERE client IN (%s, %s) GROUP BY client"
        with self.connection() as db:
            return dict(db.execute(query, [ACCOUNT, CHARGED]).fetchall())

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        with self.connection() as db:
            for table in TABLES:
                db.execute(f"ALTER TABLE {table} RENAME TO away_{table}")
        yield
        with self.connection() as db:
            for table in TABLES:
                db.execute(f"ALTER TABLE away_{table} RENAME TO {table}")

    def set_back(self) -> None:
        with self.connection() as db:
            for table in TABLES:
                db.execute(f"TRUNCATE {table}")

    def set_version(self, major: int, minor: int) -> None:
        with self.connection() as db:
            db.execute("INSERT INTO gateway_ledger_migrations VALUES (%s, %s, '9.9.9')", [major, minor])

    def versions(self) -> list[tuple[int, int]]:
        with self.connection() as db:
            return db.execute("SELECT major, minor FROM gateway_ledger_migrations ORDER BY 1, 2").fetchall()

    def connection(self) -> psycopg.Connection[Any]:
        """Of any other program. Each statement is committed."""
        return psycopg.connect(self.url, autocommit=True)


def opened_at(argument: str, clock: Clock) -> Ledger:
    place = PostgresPlace(argument) if argument.startswith("postgresql:") else SqlitePlace(Path(argument))
    return Ledger(place.store(), clock=clock)

"""Access to the ledger in PostgreSQL for commands, which are no process of the gateway."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date

from gateway.billing import postgres_schema
from gateway.billing.ledger_store import LedgerUnusable, Row
from gateway.billing.moved_ledger import Content
from gateway.billing.postgres_connection import opened
from gateway.billing.postgres_ledger import PostgresTransaction, reported
from gateway.billing.postgres_schema import TITLE
from gateway.billing.postgres_tables import Connection
from gateway.errors import LedgerUnavailable
from gateway.migrations import ABSENT, StoreVersion

# Of years there may be millions of lines, and nobody else waits for a command.
PATIENT_SECONDS = 1_800.0
PATIENCE = "SET LOCAL statement_timeout = 0"
LINES = 10_000  # of one statement
MOVED = "INSERT INTO gateway_ledger_moves (source) VALUES (%s) ON CONFLICT DO NOTHING"


def version_in(url: str) -> StoreVersion:
    """Return the version of the ledger at a URL. This only reads, and blocks. Raise LedgerUnavailable."""
    with _connection(url) as db:
        return postgres_schema.version_of(db)


def report_of(
    url: str, since: date, until: date = date.max, client: str | None = None
) -> tuple[list[Row], float | None]:
    """Return the spending of these days, and when the ledger was made: None if there is none.

    Nothing is changed. Raise LedgerUnavailable and StoreTooNew.
    """
    with _connection(url, PATIENT_SECONDS) as db:
        db.execute(PATIENCE)
        versions = postgres_schema.version_of(db)
        versions.check(TITLE)
        if versions.found == ABSENT:
            return [], None
        return reported(db, since, until, client), postgres_schema.made(db)


def take_over(url: str, content: Content) -> bool:
    """Add the content of a SQLite ledger, if that was not done before, and return whether it was added.

    Raise LedgerUnavailable, LedgerUnusable and StoreTooNew.
    """
    with _connection(url, PATIENT_SECONDS) as db:
        postgres_schema.migrate(db)
        db.execute(PATIENCE)
        is_new = db.execute(MOVED, [content.id]).rowcount == 1
        if is_new:
            transaction = PostgresTransaction(db)
            transaction.lock(list(content.leases))
            transaction.add(content.leases)
            for begin in range(0, len(content.spending), LINES):
                transaction.spend(content.spending[begin : begin + LINES])
        db.commit()
        return is_new


def _connection(url: str, seconds: float | None = None) -> AbstractContextManager[Connection]:
    """Raise LedgerUnavailable while the database cannot be used, and LedgerUnusable if the role may not use it."""
    return opened(
        url,
        lambda message: LedgerUnusable(f"{TITLE} cannot be used ({message}): the role must own it."),
        lambda: LedgerUnavailable(
            "The database of GATEWAY_DATABASE_URL cannot be reached, or does not answer: `doctor` says why."
        ),
        seconds,
    )

"""Connections to the ledger's database that never hold a thread for long."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

import psycopg
from psycopg import conninfo

from gateway.billing.ledger_store import LedgerUnusable
from gateway.billing.postgres_tables import Connection

CONNECT_SECONDS = 2  # the least that libpq takes
LOCK_MILLISECONDS = 1_000
STATEMENT_MILLISECONDS = 2_000
# Seconds for a whole transaction, and for a server that does not answer at all: its own timeouts do not count then.
TRANSACTION_SECONDS = 3.0
# A process that is frozen in a transaction holds locks, for which others wait.
IDLE_MILLISECONDS = 4_000
OPTIONS = (
    f"-c lock_timeout={LOCK_MILLISECONDS} -c statement_timeout={STATEMENT_MILLISECONDS} "
    f"-c idle_in_transaction_session_timeout={IDLE_MILLISECONDS}"
)
# A lease that was granted is on disk. Stricter settings than this one stay as they are.
DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


def connected(url: str) -> Connection:
    """Return a new connection. Raise psycopg.Error, and LedgerUnusable for an invalid URL.

    Neither error's message may be shown: it may quote a part of the URL.
    """
    try:
        options = conninfo.conninfo_to_dict(url).get("options")
        given = conninfo.make_conninfo(
            url,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=STATEMENT_MILLISECONDS,
            options=f"{options} {OPTIONS}" if options else OPTIONS,
        )
    except psycopg.Error:
        raise LedgerUnusable("GATEWAY_DATABASE_URL is no URL of a PostgreSQL database: correct it.") from None
    db = psycopg.connect(given, prepare_threshold=None)
    try:
        with bounded(db):
            db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            db.execute(DURABLE)
            db.commit()
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def bounded(db: Connection, seconds: float | None = None) -> Iterator[None]:
    """Break the connection if the context lasts for too long, so that whatever waits for it fails."""
    with socket.socket(fileno=os.dup(db.fileno())) as wire:
        timer = threading.Timer(seconds or TRANSACTION_SECONDS, _break, [wire])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextlib.contextmanager
def opened(
    url: str,
    refused: Callable[[str | None], Exception],
    unavailable: Callable[[], Exception],
    seconds: float | None = None,
) -> Iterator[Connection]:
    """Open a connection for one transaction, which is undone unless it was committed.

    `refused` makes the error to raise if the role may not use the tables, of the database's message; `unavailable` that
    for a database that cannot be used now.
    """
    try:
        with contextlib.closing(connected(url)) as db, bounded(db, seconds):
            yield db
    except psycopg.ProgrammingError as exc:
        raise refused(exc.diag.message_primary) from None
    except psycopg.Error:
        # Without the cause: its message may quote a part of the URL, or a value.
        raise unavailable() from None


def _break(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the context has ended
        wire.shutdown(socket.SHUT_RDWR)

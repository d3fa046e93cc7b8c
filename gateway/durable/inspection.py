"""A look at a PostgreSQL database of workflows from outside: it changes nothing there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.durable.database import close, engine
from gateway.durable.port import Status
from gateway.durable.tables import FLOWS, KEYS

PATIENCE = 5.0  # seconds for a connection or a statement
SAMPLES = 3
CREATE = (
    "SELECT has_schema_privilege(current_schema(), 'CREATE') AND has_database_privilege(current_database(), 'CREATE')"
)
URL = "Check GATEWAY_DATABASE_URL, the network, and whether the server runs."
# Parts of the messages of libpq and of the server, with a sentence and the remedy. The messages themselves may quote
# a part of the URL, which may contain a password.
REASONS = (
    ("password authentication failed", "it refuses the password.", "Correct the password in GATEWAY_DATABASE_URL."),
    ("no password supplied", "it requires a password.", "Add the password to GATEWAY_DATABASE_URL."),
    ("no pg_hba.conf entry", "it refuses connections from here.", "Allow this host in its pg_hba.conf."),
    ("does not exist", "it has no such database or role.", "Create them, or correct GATEWAY_DATABASE_URL."),
    ("permission denied", "the role may not read the tables.", "Grant the role the tables: it must own them."),
    ("could not translate host name", "its host name is unknown.", URL),
    ("failed to resolve host", "its host name is unknown.", URL),
    ("connection refused", "it refuses the connection.", URL),
    ("too many clients", "it has no free connection.", "Raise its max_connections: a gateway process takes up to 40."),
    ("remaining connection slots", "it has no free connection.", "Raise its max_connections."),
    ("timeout", "it does not answer in time.", URL),
    ("ssl", "TLS fails.", "Check sslmode and the certificates in GATEWAY_DATABASE_URL."),
)


class StoreUnusable(Exception):
    """The database cannot be used. The message completes "it cannot be used:"; neither text quotes the URL."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class StoreState:
    """The state of a database. `seconds` is the median time of an empty statement; `probe` is for the flows' key."""

    version: str
    seconds: float
    has_tables: bool
    running: int
    probe: str | None


def inspect(url: str, monotonic: Callable[[], float]) -> StoreState:
    """Return the state of the database at an SQLAlchemy URL. Raise StoreUnusable."""
    try:
        database = engine(url, patience=PATIENCE)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise StoreUnusable("its URL is invalid.", "Correct GATEWAY_DATABASE_URL.") from error
    try:
        with database.connect() as connection:
            return _state(connection, monotonic)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise _unusable(str(error)) from error
    finally:
        close(database)


def _state(connection: sa.Connection, monotonic: Callable[[], float]) -> StoreState:
    if connection.scalar(sa.text("SELECT pg_is_in_recovery()")):
        raise StoreUnusable("it is a standby, which cannot be written.", "Name the primary in GATEWAY_DATABASE_URL.")
    version = str(connection.scalar(sa.text("SHOW server_version"))).partition(" ")[0]
    seconds = sorted(_timed(connection, monotonic) for _ in range(SAMPLES))[SAMPLES // 2]
    tables = sa.inspect(connection)
    if not tables.has_table(FLOWS.name):
        if not connection.scalar(sa.text(CREATE)):
            raise StoreUnusable(
                "its tables do not exist, and the role may not create them.",
                "Make the role the owner of the database: the gateway creates tables and the schema `dbos`.",
            )
        return StoreState(version, seconds, has_tables=False, running=0, probe=None)
    query = sa.select(sa.func.count()).select_from(FLOWS).where(FLOWS.c.status == Status.RUNNING.value)
    running = connection.scalar(query) or 0
    return StoreState(
        version, seconds, has_tables=True, running=running, probe=connection.scalar(sa.select(KEYS.c.probe))
    )


def _timed(connection: sa.Connection, monotonic: Callable[[], float]) -> float:
    began = monotonic()
    connection.execute(sa.text("SELECT 1"))
    return monotonic() - began


def _unusable(message: str) -> StoreUnusable:
    text = message.lower()
    for part, sentence, remedy in REASONS:
        if part in text:
            return StoreUnusable(sentence, remedy)
    return StoreUnusable("no connection is possible.", URL)

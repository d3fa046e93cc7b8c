"""The place of the ledger: a SQLite file, or PostgreSQL."""

from __future__ import annotations

from gateway.billing.ledger_store import LedgerStore
from gateway.billing.moved_ledger import State, state_of
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.errors import Unusable
from gateway.files import check_folder
from gateway.settings import Settings

MOVE = "end every gateway, and run `highlights-gateway ledger --move` with the settings of the gateway"


def check_place(settings: Settings) -> None:
    """Raise Unusable if the spending is recorded elsewhere: a gateway must not forget it."""
    path, state = settings.database_path, state_of(settings.database_path)
    if settings.ledger_url is None:
        if state in (State.RETIRED, State.MOVED):
            raise Unusable(f"The ledger {path} was moved to PostgreSQL: set GATEWAY_DATABASE_URL to its database.")
    elif state is State.IN_USE:
        raise Unusable(f"GATEWAY_DATABASE_URL names PostgreSQL, and {path} has the ledger: {MOVE}.")
    elif state is State.RETIRED:
        raise Unusable(f"The move of the ledger {path} to PostgreSQL was interrupted: {MOVE}.")


def opened_ledger(settings: Settings) -> LedgerStore:
    """Open the ledger. Raise Unusable."""
    folder = settings.database_path.parent
    check_folder(folder, "GATEWAY_DATA_DIR" if folder == settings.data_dir else "GATEWAY_DATABASE_URL")
    if settings.ledger_url is None:
        return SqliteLedger(settings.database_path)
    from gateway.billing.postgres_ledger import PostgresLedger

    return PostgresLedger(settings.ledger_url)

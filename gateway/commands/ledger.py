"""The `ledger` command: spending by client, endpoint and day, as a table or as CSV; and the move to PostgreSQL."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import UNITEMISED, Row
from gateway.billing.moved_ledger import State, complete, retire, state_of
from gateway.clients.entries import parse, read
from gateway.commands.base import CommandError, UsageError
from gateway.commands.data_directory import alone
from gateway.commands.table import aligned
from gateway.composition.ledger_place import check_place
from gateway.settings import Settings

HEADINGS = ("day", "client", "endpoint", "calls", "billed")
NUMBERS_FROM = 3


def ledger(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the spending that the gateway recorded, whether it runs or not.

    Raise LedgerUnusable, StoreTooNew, LedgerUnavailable and ClientsFileError.
    """
    settings = Settings.read(environ)
    if arguments.move is not None:
        return move(settings, settings.database_path if arguments.move == Path() else arguments.move)
    client = None if arguments.client is None else _id_of(arguments.client, settings.clients_file)
    rows = _rows(settings, arguments.since or date.min, arguments.until or date.max, client)
    print(as_csv(rows) if arguments.csv else as_table(rows), end="")
    return 0


def _rows(settings: Settings, since: date, until: date, client: str | None) -> list[Row]:
    check_place(settings)
    if settings.ledger_url is not None:
        from gateway.billing.postgres_access import report_of

        rows, made = report_of(settings.ledger_url, since, until, client)
        if made is None:
            raise CommandError("There is no ledger in PostgreSQL: the gateway creates it at its first start.")
        return rows
    path = settings.database_path
    if not path.exists():
        raise CommandError(
            f"There is no ledger at {path}: set GATEWAY_DATA_DIR to the gateway's directory. The gateway creates it at "
            "its first start."
        )
    with contextlib.closing(LedgerFile(path)) as file:
        return file.report(since, until, client)


def move(settings: Settings, path: Path) -> int:
    """Move a SQLite ledger to PostgreSQL, or complete a move that was interrupted.

    Raise CommandError, LedgerUnusable, StoreTooNew and LedgerUnavailable.
    """
    if settings.ledger_url is None:
        raise UsageError("GATEWAY_DATABASE_URL names no PostgreSQL database to move the ledger to.")
    if (state := state_of(path)) is State.ABSENT:
        raise CommandError(f"There is no ledger at {path}.")
    if state is State.MOVED:
        print(f"The ledger {path} is in PostgreSQL already.")
        return 0
    from gateway.billing.postgres_access import take_over, version_in
    from gateway.billing.postgres_schema import TITLE

    version_in(settings.ledger_url).check(TITLE)  # before the file is retired
    with alone(settings.data_dir):
        content = retire(path)
        is_new = take_over(settings.ledger_url, content)
        complete(path)
    how = f"{content.windows} windows and {len(content.spending)} lines of spending" if is_new else "by now"
    print(f"The ledger {path} is in PostgreSQL, {how}. The file is not used any more.")
    return 0


def _id_of(name: str, clients_file: Path | None) -> str:
    """Return the client's id, by which the ledger records it. The id is the name until the client is renamed."""
    if clients_file is None or not clients_file.exists():
        return name
    entries = parse(read(clients_file), clients_file)
    return next((entry.known_as for entry in entries if entry.name == name), name)


def as_csv(rows: Sequence[Row]) -> str:
    """Return a header line and one line per row, without totals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue()


def as_table(rows: Sequence[Row]) -> str:
    """Return aligned columns and a line of totals; what is not itemised has a line of its own, as most is not spent."""
    spent = [row for row in rows if row.endpoint != UNITEMISED]
    totals = [("total", "", "", str(sum(row.calls for row in spent)), str(sum(row.billed for row in spent)))]
    if rest := sum(row.billed for row in rows if row.endpoint == UNITEMISED):
        totals.append(("not itemised", "", "", "", str(rest)))
    return aligned([HEADINGS, *map(_cells, rows), *totals], numbers_from=NUMBERS_FROM)


def _cells(row: Row) -> tuple[str, ...]:
    return row.day.isoformat(), row.client, row.endpoint, str(row.calls), str(row.billed)

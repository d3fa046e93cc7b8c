"""The `ledger` command: spending by client, endpoint and day, as a table or as CSV."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from gateway.billing.ledger_file import LedgerFile, Row
from gateway.clients.entries import parse, read
from gateway.commands.base import CommandError
from gateway.commands.table import aligned
from gateway.settings import Settings

HEADINGS = ("day", "client", "endpoint", "calls", "billed")
NUMBERS_FROM = 3


def ledger(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the spending that the gateway recorded, whether it runs or not.

    Raise LedgerFileError, LedgerUnavailable and ClientsFileError.
    """
    settings = Settings.read(environ)
    path = settings.database_path
    if not path.exists():
        raise CommandError(f"There is no ledger at {path}: the gateway creates it at its first start.")
    with contextlib.closing(LedgerFile(path)) as file:
        client = None if arguments.client is None else _id_of(arguments.client, settings.clients_file)
        rows = file.report(arguments.since or date.min, arguments.until or date.max, client)
    print(as_csv(rows) if arguments.csv else as_table(rows), end="")
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
    """Return aligned columns and a line of totals."""
    total = ("total", "", "", str(sum(row.calls for row in rows)), str(sum(row.billed for row in rows)))
    return aligned([HEADINGS, *map(_cells, rows), total], numbers_from=NUMBERS_FROM)


def _cells(row: Row) -> tuple[str, ...]:
    return row.day.isoformat(), row.client, row.endpoint, str(row.calls), str(row.billed)

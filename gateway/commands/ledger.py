"""`ledger`: who spent what, on which endpoint, in which day: as a table for people, as CSV for sheets."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

from gateway.commands.base import CommandError
from gateway.commands.table import aligned
from gateway.planner.ledger_file import LedgerFile, Row
from gateway.settings import Settings

HEADINGS = ("day", "client", "endpoint", "calls", "billed")
NUMBERS_FROM = 3


def ledger(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Reads what the gateway has written, whether it runs or not. Raises LedgerFileError and LedgerUnavailable."""
    path = Settings.read(environ).database_path
    if not path.exists():
        raise CommandError(f"There is no ledger at {path}: the gateway makes it at its first start.")
    with contextlib.closing(LedgerFile(path)) as file:
        rows = file.report(arguments.since or date.min, arguments.until or date.max, arguments.client)
    print(as_csv(rows) if arguments.csv else as_table(rows), end="")
    return 0


def as_csv(rows: Sequence[Row]) -> str:
    """One line per row under a line of headings, without totals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue()


def as_table(rows: Sequence[Row]) -> str:
    """Aligned columns and a line of totals."""
    total = ("total", "", "", str(sum(row.calls for row in rows)), str(sum(row.billed for row in rows)))
    return aligned([HEADINGS, *map(_cells, rows), total], numbers_from=NUMBERS_FROM)


def _cells(row: Row) -> tuple[str, ...]:
    return row.day.isoformat(), row.client, row.endpoint, str(row.calls), str(row.billed)

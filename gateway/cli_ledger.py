"""How the ledger's report reads: as a table for people, as CSV for sheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gateway.planner.ledger_file import Row

HEADINGS = ("day", "client", "endpoint", "calls", "billed")
NUMBERS_FROM = 3


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
    lines = [HEADINGS, *map(_cells, rows), total]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(values, widths) for values in lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    return row.day.isoformat(), row.client, row.endpoint, str(row.calls), str(row.billed)


def _line(values: Sequence[str], widths: Sequence[int]) -> str:
    texts = [value.ljust(width) for value, width in zip(values, widths, strict=True)][:NUMBERS_FROM]
    numbers = [value.rjust(width) for value, width in zip(values, widths, strict=True)][NUMBERS_FROM:]
    return "  ".join(texts + numbers)

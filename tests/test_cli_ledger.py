from __future__ import annotations

import csv
import io
from datetime import date

from gateway.cli_ledger import as_csv, as_table
from gateway.planner.ledger_file import UNITEMISED, Row

ROWS = [
    Row(date(2026, 3, 30), "web", "/v1/user/by/id", 12, 12),
    Row(date(2026, 3, 30), "web", "/v1/user/highlights", 100, 200),
    Row(date(2026, 3, 31), "router", UNITEMISED, 0, 7),
]


def test_the_table_is_aligned_and_ends_with_totals() -> None:
    assert as_table(ROWS) == (
        "day         client  endpoint             calls  billed\n"
        "2026-03-30  web     /v1/user/by/id          12      12\n"
        "2026-03-30  web     /v1/user/highlights    100     200\n"
        "2026-03-31  router  (not itemised)           0       7\n"
        "total                                      112     219\n"
    )


def test_the_table_of_nothing_has_headings_and_totals() -> None:
    assert as_table([]) == "day    client  endpoint  calls  billed\ntotal                        0       0\n"


def test_the_csv_reads_back() -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(ROWS))))
    assert [
        Row(date.fromisoformat(row["day"]), row["client"], row["endpoint"], int(row["calls"]), int(row["billed"]))
        for row in read
    ] == ROWS

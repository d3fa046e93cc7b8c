"""`ledger`."""

from __future__ import annotations

import contextlib
import csv
import io
from datetime import date
from pathlib import Path

import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import UNITEMISED, Row
from gateway.commands.ledger import as_csv, as_table
from tests.commands.process import LIMIT, address, ask, run, started

ROWS = [
    Row(date(2026, 3, 30), "web", "profile", 12, 12),
    Row(date(2026, 3, 30), "web", "tray_by_username", 100, 300),
    Row(date(2026, 3, 31), "router", UNITEMISED, 0, 7),
]


@pytest.fixture
def written(tmp_path: Path) -> str:
    """The URL of a ledger that holds ROWS."""
    with contextlib.closing(LedgerFile(tmp_path / "ledger.sqlite3")) as file, file.transaction():
        file.spend(ROWS)
    return f"sqlite:///{tmp_path}/ledger.sqlite3"


def read(text: str) -> list[Row]:
    return [
        Row(date.fromisoformat(row["day"]), row["client"], row["endpoint"], int(row["calls"]), int(row["billed"]))
        for row in csv.DictReader(io.StringIO(text))
    ]


def test_the_table_is_aligned_and_ends_with_totals() -> None:
    assert as_table(ROWS) == (
        "day           client  endpoint          calls  billed\n"
        "2026-03-30    web     profile              12      12\n"
        "2026-03-30    web     tray_by_username    100     300\n"
        "2026-03-31    router  (not itemised)        0       7\n"
        "total                                     112     312\n"
        "not itemised                                        7\n"
    )


def test_the_table_of_nothing_has_headings_and_totals() -> None:
    assert as_table([]) == "day    client  endpoint  calls  billed\ntotal                        0       0\n"


def test_the_csv_reads_back() -> None:
    assert read(as_csv(ROWS)) == ROWS


def test_a_client_that_was_renamed_is_found_by_its_name_and_by_its_id(written: str, tmp_path: Path) -> None:
    """It stands there by its id."""
    clients = tmp_path / "clients.toml"
    clients.write_text(f'[[client]]\nname = "site"\nid = "web"\nkey_sha256 = "{"5" * 64}"\n')
    given = {"GATEWAY_DATABASE_URL": written, "GATEWAY_CLIENTS_FILE": str(clients)}
    for name in ("site", "web"):
        assert read(run("ledger", "--csv", "--client", name, **given).stdout) == ROWS[:2]
    assert read(run("ledger", "--csv", "--client", "site", GATEWAY_DATABASE_URL=written).stdout) == []


def test_the_command_prints_either_form(written: str) -> None:
    assert run("ledger", GATEWAY_DATABASE_URL=written).stdout == as_table(sorted(ROWS, key=lambda row: row.day))
    assert read(run("ledger", "--csv", GATEWAY_DATABASE_URL=written).stdout) == ROWS


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        (["--since", "2026-03-31"], ROWS[2:]),
        (["--until", "2026-03-30"], ROWS[:2]),
        (["--since", "2026-03-30", "--until", "2026-03-31"], ROWS),
        (["--client", "router"], ROWS[2:]),
        (["--client", "nobody"], []),
    ],
)
def test_days_and_clients_are_chosen(choice: list[str], rows: list[Row], written: str) -> None:
    assert read(run("ledger", "--csv", *choice, GATEWAY_DATABASE_URL=written).stdout) == rows


def test_what_was_bought_stands_in_the_ledger_under_the_name_of_who_asked(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    key = run("keys", "add", "web", "--allowance", "day=100", **given).stdout.strip()
    with started("serve", **given) as (announcement, process):
        answer = ask(address(announcement), '{ user(by: { id: "787132" }) { highlights { totalCount } } }', key)
        assert answer.headers["x-billed-requests"] == "2"
        process.terminate()
        process.communicate(timeout=LIMIT)
    assert [(row.client, row.calls, row.billed) for row in read(run("ledger", "--csv", **given).stdout)] == [
        ("web", 1, 2)
    ]


def test_a_day_must_be_a_day() -> None:
    result = run("ledger", "--since", "yesterday")
    assert result.returncode == 2
    assert "must be a date like 2026-03-31" in result.stderr


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = run("ledger", GATEWAY_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no ledger" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger_is_told_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is not a database, and longer than the header of one would be, so that it is read " * 9)
    result = run("ledger", GATEWAY_DATABASE_URL=f"sqlite:///{file}")
    assert result.returncode == 2
    assert result.stderr.startswith(f"The ledger {file} cannot be used")
    assert "Traceback" not in result.stderr

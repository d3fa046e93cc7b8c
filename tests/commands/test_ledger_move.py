"""`ledger --move`: a SQLite ledger goes to PostgreSQL once, and nothing that was spent is forgotten."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date
from pathlib import Path

import psycopg
import pytest

from gateway.billing import moved_ledger
from gateway.billing.ledger import Ledger
from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import LedgerUnusable, Row
from gateway.billing.moved_ledger import State, state_of
from gateway.billing.postgres_access import report_of, take_over
from gateway.billing.postgres_ledger import PostgresLedger
from gateway.clock import SystemClock
from gateway.composition.ledger_place import check_place
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, LedgerUnavailable, Unusable
from gateway.settings import Settings
from tests.billing.budgets import budget, opened, reserve, spend
from tests.commands.process import LIMIT, run, started
from tests.durable.postgres import Cluster

ALLOWANCE = {Window.MONTH: 100}
NAME = "gateway.sqlite3"


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.create().replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """With a ledger in which 95 of 100 are spent, by two ends of a gateway."""
    folder = tmp_path / "data"
    folder.mkdir()
    clock = SystemClock()
    with contextlib.closing(opened(folder / NAME, clock)) as ledger:
        spend(budget(ledger, clock, ALLOWANCE), 90)
        spend(budget(ledger, clock, ALLOWANCE), 5)
    return folder


def rows(url: str) -> list[Row]:
    return report_of(url, date.min)[0]


def remaining(url: str) -> int:
    clock = SystemClock()
    with contextlib.closing(Ledger(PostgresLedger(url), clock=clock)) as ledger:
        one = budget(ledger, clock, ALLOWANCE)
        count = 0
        with contextlib.suppress(AllowanceExceeded):
            while True:
                reserve(one, 1)
                count += 1
        return count


def test_a_gateway_with_a_ledger_in_a_file_does_not_start_on_postgresql_before_it_is_moved(
    data: Path, url: str
) -> None:
    given = {"GATEWAY_DATA_DIR": str(data), "GATEWAY_DATABASE_URL": url}
    refused = run("serve", "--port", "0", **given)
    assert refused.returncode == 2
    assert "ledger --move" in refused.stderr
    moved = run("ledger", "--move", **given)
    assert (moved.returncode, moved.stderr) == (0, "")
    assert "1 windows and 1 lines of spending" in moved.stdout
    with started("serve", **given) as (announcement, process):
        assert announcement
        running = run("ledger", "--move", **given)
        assert (running.returncode, "is in PostgreSQL already" in running.stdout) == (0, True)
        process.terminate()
        process.communicate(timeout=LIMIT)
    assert rows(url)[0].billed == 95
    assert remaining(url) == 5


def test_the_file_is_not_used_again(data: Path, url: str) -> None:
    """By no gateway: neither by this one without PostgreSQL, nor by an earlier one, nor by one that runs."""
    with contextlib.closing(LedgerFile(data / NAME)) as running:
        content = moved_ledger.retire(data / NAME)
        assert take_over(url, content)
        with pytest.raises(LedgerUnavailable), running.transaction() as transaction:
            transaction.add({("web", "day", 0): 1})
    moved_ledger.complete(data / NAME)
    with pytest.raises(Unusable, match="was moved to PostgreSQL: set GATEWAY_DATABASE_URL"):
        check_place(Settings(data_dir=data))
    with contextlib.closing(sqlite3.connect(data / NAME)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1000,)
    check_place(Settings(data_dir=data, database_url=url))


def test_an_interrupted_move_is_completed_and_counts_once(data: Path, url: str) -> None:
    settings = Settings(data_dir=data, database_url=url)
    take_over(url, moved_ledger.retire(data / NAME))
    assert state_of(data / NAME) is State.RETIRED
    with pytest.raises(Unusable, match=r"was interrupted: .*ledger --move"):
        check_place(settings)
    done = run("ledger", "--move", GATEWAY_DATA_DIR=str(data), GATEWAY_DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert state_of(data / NAME) is State.MOVED
    assert [row.billed for row in rows(url)] == [95]
    assert remaining(url) == 5


def test_the_spending_of_years_is_moved(data: Path, url: str) -> None:
    with contextlib.closing(LedgerFile(data / NAME)) as file, file.transaction() as transaction:
        transaction.spend([Row(date(2020, 1, 1), f"client{one}", "profile", 1, 2) for one in range(25_000)])
    content = moved_ledger.retire(data / NAME)
    assert [take_over(url, content) for _ in range(2)] == [True, False]
    old, _ = report_of(url, date(2020, 1, 1), date(2020, 1, 1))
    assert (len(old), sum(row.billed for row in old)) == (25_000, 50_000)


def test_ledgers_of_several_directories_are_added(data: Path, tmp_path: Path, url: str) -> None:
    """A client's limit was one for each: together they have spent more of it."""
    clock = SystemClock()
    with contextlib.closing(opened(tmp_path / "other.sqlite3", clock)) as ledger:
        spend(budget(ledger, clock, ALLOWANCE), 3)
    for path in (data / NAME, tmp_path / "other.sqlite3"):
        given = {"GATEWAY_DATA_DIR": str(data), "GATEWAY_DATABASE_URL": url}
        assert run("ledger", "--move", str(path), **given).returncode == 0
    assert sum(row.billed for row in rows(url)) == 98
    assert remaining(url) == 2


def test_nothing_is_moved_while_a_gateway_runs(data: Path, url: str) -> None:
    with started("serve", GATEWAY_DATA_DIR=str(data)):
        refused = run("ledger", "--move", GATEWAY_DATA_DIR=str(data), GATEWAY_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "end it first" in refused.stderr
    assert state_of(data / NAME) is State.IN_USE


def test_nothing_is_retired_without_a_database_that_can_take_it(data: Path, tmp_path: Path, url: str) -> None:
    for where, exit_code, told in (
        (f"sqlite:///{data}/{NAME}", 2, "names no PostgreSQL database"),
        ("postgresql://gateway@127.0.0.1:1/none", 1, "cannot be reached"),
    ):
        refused = run("ledger", "--move", GATEWAY_DATA_DIR=str(data), GATEWAY_DATABASE_URL=where)
        assert (refused.returncode, told in refused.stderr) == (exit_code, True), refused.stderr
    PostgresLedger(url).close()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("INSERT INTO gateway_ledger_migrations VALUES (2, 0, '9.9.9')")
    refused = run("ledger", "--move", GATEWAY_DATA_DIR=str(data), GATEWAY_DATABASE_URL=url)
    assert (refused.returncode, "is of version 2.0" in refused.stderr) == (2, True)
    assert state_of(data / NAME) is State.IN_USE
    (tmp_path / "notes").write_text("no ledger " * 200)
    with pytest.raises(LedgerUnusable, match="is it a file of the gateway"):
        moved_ledger.retire(tmp_path / "notes")


def test_the_report_is_read_from_postgresql(data: Path, url: str) -> None:
    given = {"GATEWAY_DATA_DIR": str(data), "GATEWAY_DATABASE_URL": url}
    refused = run("ledger", **given)
    assert (refused.returncode, "ledger --move" in refused.stderr) == (2, True)
    run("ledger", "--move", **given)
    shown = run("ledger", "--client", "web", **given)
    assert shown.stdout.splitlines()[-1].split() == ["total", "2", "95"]

"""`doctor` of flows in PostgreSQL: reachable, of which version, in which time, and readable with the key."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
import pytest

from gateway.billing.postgres_ledger import PostgresLedger
from gateway.clock import SystemClock
from gateway.commands.doctor.checkup import examined
from gateway.commands.doctor.findings import Finding, Result
from gateway.durable.encryption import JsonCipher
from gateway.durable.store import WorkflowStore
from tests.commands.copies import environment, filled
from tests.durable.postgres import Cluster

KEY = b"k" * 32
PASSWORD = "p4ssword-never-seen"  # pragma: allowlist secret


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.create().replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Whose key is KEY."""
    return filled(tmp_path / "data", 12, KEY)


def flows(data: Path, url: str) -> list[Finding]:
    found = examined(environment(data, GATEWAY_DATABASE_URL=url), is_offline=False)
    return [finding for finding in found if finding.check == "flows"]


def test_the_ledger_is_told_before_and_after_the_first_start_and_as_one_to_move(data: Path, url: str) -> None:
    given = environment(data, GATEWAY_DATABASE_URL=url)

    def told(environ: dict[str, str], *, is_offline: bool = False) -> tuple[Result, str]:
        found = {one.check: one for one in examined(environ, is_offline=is_offline)}
        return found["ledger"].result, found["ledger"].finding

    result, finding = told(given)
    assert (result, "ledger --move" in finding) == (Result.PROBLEM, True)
    (data / "gateway.sqlite3").unlink()
    assert told(given) == (
        Result.OK,
        "It does not exist in PostgreSQL yet: the gateway creates it at its first start.",
    )
    PostgresLedger(url).close()
    assert told(given) == (Result.OK, "It is in PostgreSQL, in version 1.0.")
    assert told(given, is_offline=True)[0] is Result.SKIPPED
    away = environment(data, GATEWAY_DATABASE_URL=f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/postgres")
    assert told(away) == (Result.PROBLEM, "Its database cannot be used: nothing is bought.")


def prepare(url: str, key: bytes = KEY) -> None:
    """As the start of a gateway does."""
    store = WorkflowStore(url.replace("postgresql:", "postgresql+psycopg:"), JsonCipher(key), SystemClock(), patience=5)
    with contextlib.closing(store):
        store.prepare()


def test_a_database_is_told_with_its_version_before_and_after_the_first_start(data: Path, url: str) -> None:
    (before,) = flows(data, url)
    assert (before.result, "creates its tables" in before.finding) == (Result.OK, True)
    prepare(url)
    (after,) = flows(data, url)
    assert after.result is Result.OK
    assert after.finding.startswith("PostgreSQL 1")
    assert after.finding.endswith("; 0 flows run.")
    with psycopg.connect(url) as db:
        assert db.execute("SELECT count(*) FROM gateway_flow_keys").fetchone() == (1,), "nothing was changed"


def test_another_key_is_a_problem(data: Path, url: str) -> None:
    prepare(url, b"x" * 32)
    _, finding = flows(data, url)
    assert finding.result is Result.PROBLEM
    assert "encrypted with another key" in finding.finding


def test_a_database_that_is_not_there_is_told_without_the_url(data: Path, url: str) -> None:
    folder = url.partition("host=")[2]
    wrong = {
        f"postgresql://postgres:{PASSWORD}@/nowhere?host={folder}": "it has no such database or role.",
        f"postgresql://nobody:{PASSWORD}@/postgres?host={folder}": "it has no such database or role.",
        f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/postgres": "it refuses the connection.",
        f"postgresql://postgres:{PASSWORD}@db.invalid/postgres": "its host name is unknown.",
        f"postgresql://postgres:{PASSWORD}@127.0.0.1:{PASSWORD}/postgres": "its URL is invalid.",
    }
    for one, told in wrong.items():
        (finding,) = flows(data, one)
        assert finding.result is Result.PROBLEM
        assert finding.finding == f"The database of GATEWAY_DATABASE_URL cannot be used: {told}", one
        assert PASSWORD not in repr(finding)


def test_a_role_that_may_not_create_the_tables_is_a_problem(data: Path, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS reader")
        db.execute("CREATE ROLE reader LOGIN")
        try:
            (finding,) = flows(data, url.replace("postgres@", "reader@"))
        finally:
            db.execute("DROP ROLE reader")
    assert finding.result is Result.PROBLEM
    assert "the role may not create them" in finding.finding

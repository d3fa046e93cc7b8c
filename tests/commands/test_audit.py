"""`audit`: the trail of what commands have done, without the names of those it was done to."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.billing.ledger_file import LedgerFile
from tests.commands.process import run


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Settings of a gateway whose clients were edited."""
    (tmp_path / "data").mkdir(mode=0o700)
    return {"GATEWAY_DATA_DIR": str(tmp_path / "data"), "GATEWAY_CLIENTS_FILE": str(tmp_path / "clients.toml")}


def test_each_change_of_a_client_is_recorded_under_its_pseudonym(given: dict[str, str]) -> None:
    for words in (
        ["add", "webshop"],
        ["add", "other"],
        ["rotate", "webshop"],
        ["disable", "webshop"],
        ["enable", "webshop"],
        ["rename", "webshop", "shop"],
        ["remove", "shop"],
    ):
        assert run("keys", *words, **given).returncode == 0
    shown = run("audit", "show", **given).stdout
    actions = re.findall(r"command +(\S+)", shown)
    assert actions == [
        *("key.added", "key.added", "key.rotated", "client.disabled", "client.enabled"),
        *("client.renamed", "client.removed"),
    ]
    assert "shop" not in shown
    assert len(run("audit", "show", "--client", "webshop", **given).stdout.splitlines()) == 6
    assert len(run("audit", "show", "--limit", "2", **given).stdout.splitlines()) == 3
    files = {path.name: path.stat().st_mode & 0o777 for path in Path(given["GATEWAY_DATA_DIR"]).iterdir()}
    assert files == {"audit.sqlite3": 0o600, "audit.key": 0o600}


def test_a_trail_that_was_changed_fails_the_check(given: dict[str, str]) -> None:
    for name in ("web", "other"):
        run("keys", "add", name, **given)
    result = run("audit", "verify", **given)
    assert result.returncode == 0
    (noted,) = re.findall(r"Its last entry is (2:[0-9a-f]{64})", result.stdout)
    assert "--noted" in result.stderr
    assert run("audit", "verify", "--noted", noted, **given).returncode == 0
    assert run("audit", "verify", "--noted", f"1{noted[1:]}", **given).returncode == 1
    with closing(sqlite3.connect(Path(given["GATEWAY_DATA_DIR"]) / "audit.sqlite3", isolation_level=None)) as db:
        db.execute("DROP TRIGGER gateway_audit_no_update")
        db.execute("UPDATE gateway_audit_entries SET actor = 'commanD' WHERE number = 1")
    result = run("audit", "verify", **given)
    assert (result.returncode, result.stdout.splitlines()[0]) == (
        1,
        "Entry 1 was changed, or an entry before it was removed or added.",
    )
    assert run("audit", "verify", "--noted", "nonsense", **given).returncode == 2


def test_a_client_is_changed_also_where_the_trail_cannot_be_written(given: dict[str, str]) -> None:
    """A key that has leaked must be revoked whatever else is broken."""
    run("keys", "add", "web", **given)
    (Path(given["GATEWAY_DATA_DIR"]) / "audit.key").write_bytes(b"x" * 32)
    result = run("keys", "disable", "web", **given)
    assert result.returncode == 0
    assert "not in the audit trail" in result.stderr
    assert "restore audit.key" in result.stderr
    assert "disabled" in run("keys", "list", **given).stdout


def test_no_data_directory_is_made_for_a_trail(tmp_path: Path) -> None:
    given = {"GATEWAY_DATA_DIR": str(tmp_path / "data")}
    assert run("keys", "add", "web", "--file", str(tmp_path / "clients.toml"), **given).returncode == 0
    assert not (tmp_path / "data").exists()
    result = run("audit", "show", **given)
    assert (result.returncode, result.stderr) == (
        1,
        f"There is no data directory {tmp_path / 'data'}: set GATEWAY_DATA_DIR.\n",
    )


def test_a_restore_brings_the_trail_of_the_backup_back_and_is_recorded_in_it(
    given: dict[str, str], tmp_path: Path
) -> None:
    copy = str(tmp_path / "copy")
    LedgerFile(tmp_path / "data" / "gateway.sqlite3").close()
    run("keys", "add", "web", **given)
    assert run("backup", copy, **given).returncode == 0
    run("keys", "remove", "web", **given)
    assert run("restore", copy, "--replace", **given).returncode == 0
    shown = run("audit", "show", **given).stdout
    assert re.findall(r"command +(\S+)", shown) == ["key.added", "restored"]
    assert run("audit", "verify", **given).returncode == 0

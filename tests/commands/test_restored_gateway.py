"""A gateway on restored data: its first start buys, and goes on where the copy ends."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.commands.copies import spent_in
from tests.commands.process import LIMIT, address, ask, run, started

HIGHLIGHTS = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'
OTHERS = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'


def test_the_first_start_after_a_restore_buys(tmp_path: Path) -> None:
    """A copy is in the mode of a rollback journal, which the start changes."""
    clients, copy, data = tmp_path / "clients.toml", tmp_path / "copy", tmp_path / "restored"
    given = {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_DATA_DIR": str(tmp_path / "data")}
    key = run("keys", "add", "web", "--allowance", "day=100", **given).stdout.strip()
    with started("serve", **given) as (announcement, process):
        assert ask(address(announcement), HIGHLIGHTS, key).headers["x-billed-requests"] == "2"
        process.terminate()
        process.communicate(timeout=LIMIT)
    assert run("backup", str(copy), **given).returncode == 0
    given["GATEWAY_DATA_DIR"] = str(data)
    assert run("restore", str(copy), **given).returncode == 0
    with closing(sqlite3.connect(data / "gateway.sqlite3")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        assert int(ask(url, OTHERS, key).headers["x-billed-requests"]) > 0
        assert httpx.get(f"{url}/readyz").status_code == 200
        checks = json.loads(run("doctor", "--offline", "--json", **given).stdout)["checks"]
        assert [each["result"] for each in checks if each["check"] == "ledger"] == ["ok"]
        process.terminate()
        _, log = process.communicate(timeout=LIMIT)
    assert "LedgerAvailabilityChanged" not in log
    assert spent_in(data / "gateway.sqlite3") > 2

"""`accounts`: a request to erase a person, and how far it is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands.process import run


def test_a_request_is_recorded_once_and_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    given = {"GATEWAY_DATA_DIR": str(tmp_path / "data")}
    made = run("accounts", "erase", "787132", "--username", "natgeo", **given)
    assert made.returncode == 0
    code = made.stdout.strip()
    assert len(code) >= 20
    assert run("accounts", "erase", "787132", **given).stdout.strip() == code
    shown = run("accounts", "erasures", **given).stdout
    assert re.search(rf"{code} +erasure +\S+ \S+ +not yet", shown)
    assert len(shown.splitlines()) == 2
    trail = run("audit", "show", "--account", "787132", **given).stdout
    assert "erasure.requested" in trail
    files = {path.name: path for path in (tmp_path / "data").iterdir()}
    assert {"erasures.sqlite3", "audit.sqlite3", "audit.key"} <= files.keys()
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    for text in (shown, trail, *(str(path.read_bytes()) for path in files.values())):
        assert "787132" not in text
        assert "natgeo" not in text


def test_what_is_no_id_is_refused(tmp_path: Path) -> None:
    result = run("accounts", "erase", "natgeo", GATEWAY_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert "must be the id of a user" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_there_must_be_a_gateway_s_data(tmp_path: Path) -> None:
    result = run("accounts", "erase", "7", GATEWAY_DATA_DIR=str(tmp_path / "none"))
    assert (result.returncode, result.stdout) == (1, "")
    assert "set GATEWAY_DATA_DIR" in result.stderr

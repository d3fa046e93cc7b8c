"""`backup`, and that what it made can take the place of what was lost."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import Row
from gateway.commands.backup import backup
from gateway.commands.base import CommandError
from gateway.commands.data_directory import JOURNAL, alone
from gateway.version import version
from tests import fork_server
from tests.commands.process import LIMIT, address, ask, environment, logged, run, started
from tests.fakes.gateway import a_jpeg

TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'
CREATE = (
    'mutation($file: Upload!) { createHighlight(input: { account: "787132", title: "Reef", waitSeconds: 0, '
    'media: [{ file: $file }], idempotencyKey: "reef-1" }) { flow { id } userErrors { code } } }'
)
SPENT = [Row(date(2026, 3, 30), "web", "profile", 12, 12)]


def copied(target: Path, **environ: str) -> int:
    return backup(argparse.Namespace(directory=target), environ)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose ledger is in use, so that all it holds is in the write-ahead log alone."""
    folder = tmp_path / "data"
    folder.mkdir()
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        with file.transaction():
            file.spend(SPENT)
        yield folder


def spent_in(folder: Path) -> list[Row]:
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        return file.report(date.min, date.max, None)


def test_a_copy_has_what_is_in_the_log_of_a_ledger_in_use(data: Path, tmp_path: Path) -> None:
    """What a plain copy of the file has not."""
    shutil.copy(data / "gateway.sqlite3", tmp_path / "plain.sqlite3")
    with contextlib.closing(sqlite3.connect(tmp_path / "plain.sqlite3")) as plain, pytest.raises(sqlite3.Error):
        plain.execute("SELECT * FROM spending")
    assert copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data)) == 0
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["gateway.sqlite3", "manifest.json"]
    assert spent_in(tmp_path / "copy") == SPENT


def test_the_manifest_names_each_file_with_its_digest_and_the_version(data: Path, tmp_path: Path) -> None:
    (data / "media.key").write_bytes(b"k" * 32)
    copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data))
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == (1, version())
    assert datetime.fromisoformat(manifest["time"]).tzinfo is UTC
    assert not manifest["has_flows_elsewhere"]
    assert not manifest["needs_flows_key"]
    contents = {name: (tmp_path / "copy" / name).read_bytes() for name in ("gateway.sqlite3", "media.key")}
    assert manifest["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }


def test_nothing_is_copied_of_a_restore_that_was_interrupted(data: Path, tmp_path: Path) -> None:
    """Some of it would be of the old state, and some of the new one."""
    (data / JOURNAL).write_text("{}")
    with pytest.raises(CommandError, match="was interrupted"):
        copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data))
    assert not (tmp_path / "copy").exists()


def test_a_copy_is_of_one_moment_while_others_write(data: Path, tmp_path: Path) -> None:
    """Each transaction adds as much to both tables."""
    begun, ended = threading.Event(), threading.Event()

    def write() -> None:
        with contextlib.closing(LedgerFile(data / "gateway.sqlite3")) as file:
            while not ended.is_set():
                with file.transaction():
                    file.lease("web", "hour", 0, 1)
                    file.spend([Row(date(2026, 3, 31), "web", "tray", 1, 1)])
                begun.set()

    writing = threading.Thread(target=write)
    writing.start()
    begun.wait()
    try:
        for number in range(5):
            copied(tmp_path / f"copy{number}", GATEWAY_DATA_DIR=str(data))
    finally:
        ended.set()
        writing.join()
    for number in range(5):
        with contextlib.closing(LedgerFile(tmp_path / f"copy{number}" / "gateway.sqlite3")) as file:
            billed = sum(row.billed for row in file.report(date(2026, 3, 31), date(2026, 3, 31), None))
            assert file.leased("web", "hour", 0) == billed > 0


def test_the_copy_is_its_owners_alone(data: Path, tmp_path: Path) -> None:
    (data / "media.key").write_bytes(b"k" * 32)
    (data / "cursors.key").write_bytes(b"c" * 32)
    (data / "flows.slots").mkdir()
    (data / "flows.slots" / "host").write_text("a-host")
    clients = tmp_path / "elsewhere.toml"
    clients.write_text("# none yet\n")
    copied(tmp_path / "above" / "copy", GATEWAY_DATA_DIR=str(data), GATEWAY_CLIENTS_FILE=str(clients))
    found = {path.name: path for path in (tmp_path / "above").rglob("*")}
    keys = {"media.key", "cursors.key"}
    assert found.keys() == {"copy", "gateway.sqlite3", "flows.slots", "host", "clients.toml", "manifest.json", *keys}
    assert {path.stat().st_mode & 0o777 for path in found.values() if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in found.values() if path.is_dir()} == {0o700}


def test_what_a_request_alone_holds_and_what_is_being_written_stays_behind(data: Path, tmp_path: Path) -> None:
    entry = data / "spool" / ("a" * 64)
    entry.mkdir(parents=True)
    for name in ("content", "flow-1", "request.0123.1", "ready.part"):
        (entry / name).write_text(name)
    (data / "spool" / "lock").touch()
    (data / "spool" / "0123.2.part").write_text("half")
    copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data))
    spool = tmp_path / "copy" / "spool"
    assert sorted(path.name for path in spool.rglob("*")) == ["a" * 64, "content", "flow-1"]


@pytest.mark.parametrize("there", ["a file", "a full directory", "a link"])
def test_nothing_is_overwritten(there: str, data: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    match there:
        case "a file":
            target.write_text("mine")
        case "a link":
            target.symlink_to(tmp_path / "nowhere")
        case _:
            target.mkdir()
            (target / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError, match="already exists"):
        copied(target, GATEWAY_DATA_DIR=str(data))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_may_be_filled(data: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data))
    assert spent_in(tmp_path / "copy") == SPENT


@pytest.mark.parametrize("broken", ["gateway.sqlite3", "flows.sqlite3", "keys.sqlite3"])
def test_a_part_that_cannot_be_copied_leaves_no_copy_that_looks_whole(broken: str, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(data, folder)
    (folder / "flows.key").write_bytes(b"k" * 32)
    for path in folder.glob(f"{broken}*"):
        path.unlink()
    (folder / broken).write_bytes(b"no database" * 1_000)
    with pytest.raises(CommandError, match=broken):
        copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(folder))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == []


def test_flows_without_their_key_are_no_copy(data: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(data / "flows.sqlite3")) as flows:
        flows.execute("CREATE TABLE flows (id)")
    with pytest.raises(CommandError, match=r"flows\.key is missing"):
        copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(data))


def test_where_no_gateway_ever_ran_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no ledger at .*: set GATEWAY_DATA_DIR to its directory"):
        copied(tmp_path / "copy", GATEWAY_DATA_DIR=str(tmp_path / "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_elsewhere_is_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"GATEWAY_DATA_DIR": str(data), "GATEWAY_DATABASE_URL": "postgresql://gateway@127.0.0.1:9/flows"}
    environ["GATEWAY_STORAGE_URL"] = "s3://files/gateway"
    assert copied(tmp_path / "copy", **environ, GATEWAY_FLOWS_KEY="A" * 43 + "=") == 0
    told = capsys.readouterr().err
    assert "pg_dump" in told
    assert "its dump is as secret as they are" in told
    assert "The files of flows are in object storage, and not in the copy" in told
    assert "GATEWAY_FLOWS_KEY" in told


def publish(url: str, key: str) -> httpx.Response:
    form = {
        "operations": json.dumps({"query": CREATE, "variables": {"file": None}}),
        "map": '{"0": ["variables.file"]}',
    }
    files = {"0": ("reef.jpg", a_jpeg(), "image/jpeg")}
    headers = {"x-api-key": key, "graphql-require-preflight": "1"}
    return httpx.post(f"{url}/graphql", data=form, files=files, headers=headers, timeout=LIMIT)


def _begun(answer: dict[str, Any]) -> dict[str, Any] | None:
    """None as long as the platform has not said whose account it is."""
    made: dict[str, Any] | None = (answer["data"] or {}).get("createHighlight")
    refusals = {error["extensions"]["code"] for error in answer.get("errors", ())}
    refusals |= {error["code"] for error in (made or {}).get("userErrors", ())}
    assert refusals <= {"UPSTREAM_UNAVAILABLE", "BAD_USER_INPUT"}
    return made if made and made["flow"] else None


def test_a_copy_takes_the_place_of_what_was_lost(tmp_path: Path) -> None:
    """Ledger, flow, the file it is to publish, keys and clients: copied of a gateway that runs, and is then killed."""
    with started("sandbox") as (upstream, _):
        _take_the_place(address(upstream), tmp_path)


def _take_the_place(upstream: str, tmp_path: Path) -> None:
    data, clients, copy = tmp_path / "data", tmp_path / "clients.toml", tmp_path / "copy"
    slow = {"faults": [{"kind": "processing", "seconds": 600.0}]}
    assert httpx.post(f"{upstream}/_control/faults", json=slow, timeout=LIMIT).status_code == 200
    apis = {
        "GATEWAY_HIKERAPI_URL": upstream,
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_PLATFORM_URL": f"{upstream}/platform",
        "GATEWAY_PLATFORM_TOKEN": "sandbox",
    }
    given = {**apis, "GATEWAY_DATA_DIR": str(data), "GATEWAY_CLIENTS_FILE": str(clients)}
    key = run("keys", "add", "web", "--rights", "read,write", "--allowance", "day=100", **given).stdout.strip()
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        while not (made := _begun(publish(url, key).json())):
            pass
        assert ask(url, TRAY, key).headers["x-billed-requests"] == "3"
        assert run("backup", str(copy), **given).returncode == 0
        process.send_signal(signal.SIGKILL)
    again = run("backup", str(copy), **given)
    assert (again.returncode, again.stdout) == (1, "")
    shutil.rmtree(data)
    clients.unlink()

    restored = run("restore", str(copy), **given)
    assert restored.returncode == 0, restored.stderr
    spent = sum(int(line.split(",")[-1]) for line in run("ledger", "--csv", **given).stdout.splitlines()[1:])
    assert spent >= 3, "what is leased and not yet itemised counts as spent"
    (flow,) = [line for line in run("flows", "list", **given).stdout.splitlines() if made["flow"]["id"] in line]
    assert "RUNNING" in flow
    (entry,) = [path for path in (data / "spool").iterdir() if path.is_dir()]
    assert {"content", "ready"} & {path.name for path in entry.iterdir()}
    assert httpx.delete(f"{upstream}/_control/faults", timeout=LIMIT).status_code == 200
    with started("serve", **given) as (announcement, process):
        refused = run("restore", str(copy), "--replace", **given)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"A gateway runs on {data}" in refused.stderr
        assert made["flow"]["id"] in logged(process, "FlowStarted")
        assert ask(address(announcement), TRAY, key).status_code == 200
        assert httpx.get(f"{address(announcement)}/readyz?strict", timeout=LIMIT).status_code == 200
    assert (data / "flows.slots" / "host").read_bytes() == (copy / "flows.slots" / "host").read_bytes()


def test_a_gateway_waits_for_a_restore_and_does_not_start_after_one_that_was_interrupted(tmp_path: Path) -> None:
    given = {"GATEWAY_DATA_DIR": str(tmp_path / "data")}
    with alone(tmp_path / "data"):
        process = fork_server.start(["serve", "--port", "0"], environment(given))
        assert (
            logged(process, "Waiting until the restore") == f"Waiting until the restore of {tmp_path}/data has ended.\n"
        )
        assert not (tmp_path / "data" / "gateway.sqlite3").exists()
        (tmp_path / "data" / JOURNAL).write_text("{}")
    output, errors = process.communicate(LIMIT)
    process.close()
    assert (process.returncode, output) == (1, "")
    assert "run `highlights-gateway restore` again to complete it" in errors

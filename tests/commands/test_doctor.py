"""`doctor`: each fault of an installation is found, and said with what to do; nothing is changed, no secret shown."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.commands.data_directory import JOURNAL, sharing
from gateway.commands.doctor import directories
from gateway.commands.doctor.checkup import LOCAL, SETTINGS, as_table, doctor, examined
from gateway.commands.doctor.findings import NETWORK, Finding, Result
from tests.commands.copies import environment, filled, tree
from tests.commands.diagnoses import found, one_of, troubles
from tests.meta.tree import ROOT

SECRET = "s3cr3t-that-must-never-be-seen"  # pragma: allowlist secret
SEALING = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="  # pragma: allowlist secret


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data", 12)


def test_an_installation_without_a_fault_has_no_problem_and_is_not_changed(data: Path) -> None:
    before = tree(data)
    findings = found(environment(data))
    assert {one.result for one in findings.values()} <= {Result.OK, Result.SKIPPED, Result.WARNING}
    assert [name for name, one in findings.items() if one.result is Result.WARNING] in ([], ["console"])
    assert tree(data) == before


def test_an_installation_that_was_never_started_has_no_problem_and_gets_no_files(tmp_path: Path) -> None:
    findings = found(environment(tmp_path / "above" / "data"))
    assert {name for name, one in findings.items() if one.result is Result.PROBLEM} == set()
    assert [*tmp_path.iterdir()] == []
    assert "creates it at its first start" in findings["ledger"].finding


def test_all_mistakes_of_the_settings_are_told_at_once() -> None:
    given = {
        "GATEWAY_TTL_TRY": "5",
        "GATEWAY_HIKERAPI_KEY": f"{SECRET} {SECRET}",
        "GATEWAY_REDIS_URL": f"redis://:{SECRET}@x/y",
    }
    findings = list(examined(given, is_offline=True))
    assert [one.result for one in findings] == [Result.PROBLEM] * 3 + [Result.SKIPPED]
    told = " ".join(one.finding for one in findings)
    assert "GATEWAY_REDIS_URL must be redis://HOST" in told
    assert "The nearest one is GATEWAY_TTL_TRAY" in told
    assert SECRET not in told
    (proxy, _) = examined({"HTTPS_PROXY": f"socks5://name:{SECRET}@proxy.test"}, is_offline=True)
    assert proxy.finding.startswith("HTTPS_PROXY must be an http or https URL")
    assert SECRET not in proxy.finding


def broken_database(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_000)
        file.write(b"x" * 4_000)


def newer_ledger(data: Path) -> None:
    with contextlib.closing(sqlite3.connect(data / "gateway.sqlite3")) as ledger:
        ledger.execute("PRAGMA user_version = 99")


def foreign_key(data: Path) -> None:
    (data / "flows.key").write_bytes(b"x" * 32)


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a damaged ledger": (lambda data: broken_database(data / "gateway.sqlite3"), "ledger", "is damaged"),
    "a ledger that is none": (lambda data: (data / "gateway.sqlite3").write_bytes(b"x" * 9_000), "ledger", "damaged"),
    "a ledger of a newer version": (
        newer_ledger,
        "versions",
        "A newer gateway wrote, in a form that this one does not read: ledger (99.0).",
    ),
    "a data directory without a version": (
        lambda data: (data / "layout").write_text("x"),
        "versions",
        "says no version",
    ),
    "a data directory of a newer version": (
        lambda data: (data / "layout").write_text("2.0 9.9\n"),
        "versions",
        "does not read: data directory (2.0)",
    ),
    "damaged flows": (lambda data: (data / "flows.sqlite3").write_bytes(b"x" * 9_000), "flows", "is damaged"),
    "another key": (foreign_key, "flows", "encrypted with another key than that of"),
    "a short key": (lambda data: (data / "flows.key").write_bytes(b"x"), "flows", "another key"),
    "no key": (lambda data: (data / "flows.key").unlink(), "flows", r"flows.key cannot be read: No such file"),
    "a restore to complete": (lambda data: (data / JOURNAL).write_text("{}"), "data directory", "was interrupted"),
    "an open key": (
        lambda data: (data / "media.key").chmod(0o644),
        "permissions",
        "Every user of the machine can open",
    ),
    "an open directory": (lambda data: data.chmod(0o755), "permissions", "Every user of the machine can open"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_the_one_problem_that_is_told(fault: str, data: Path) -> None:
    make, check, told = FAULTS[fault]
    make(data)
    before = tree(data)
    assert told in one_of(environment(data), check, Result.PROBLEM).finding
    assert tree(data) == before


def test_a_key_in_the_settings_is_tried_in_the_place_of_the_file(data: Path) -> None:
    (data / "flows.key").unlink()
    assert troubles(environment(data, GATEWAY_FLOWS_KEY=SEALING)) in ([], [console()])
    other = SEALING.replace("a2tr", "eHh4", 1)
    finding = one_of(environment(data, GATEWAY_FLOWS_KEY=other), "flows", Result.PROBLEM)
    assert "than that of GATEWAY_FLOWS_KEY" in finding.finding


def console() -> Finding:
    return found({})["console"]


def test_what_the_group_can_open_is_a_warning(data: Path) -> None:
    (data / "flows.sqlite3").chmod(0o660)
    assert "flows.sqlite3" in one_of(environment(data), "permissions", Result.WARNING).finding


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the user root, who alone gives files to others")
def test_a_file_of_another_user_is_a_problem(data: Path) -> None:
    """As one that was restored, or a command that was run, by root."""
    os.chown(data / "cursors.key", 12_345, 12_345)
    finding = one_of(environment(data), "permissions", Result.PROBLEM)
    assert "cursors.key do not belong to" in finding.finding


def test_a_secret_in_a_file_is_nobody_else_s(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    given = environment(data, GATEWAY_MEDIA_SECRET_FILE=str(secret))
    assert str(secret) in one_of(given, "permissions", Result.PROBLEM).finding
    secret.chmod(0o600)
    assert troubles(given) in ([], [console()])


def test_a_secret_that_is_mounted_into_a_container_has_the_mode_of_all(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "MOUNTED", (tmp_path / "secrets",))
    (tmp_path / "secrets").mkdir()
    secret = tmp_path / "secrets" / "media"
    secret.write_text(SECRET)
    secret.chmod(0o444)
    assert troubles(environment(data, GATEWAY_MEDIA_SECRET_FILE=str(secret))) in ([], [console()])


def test_a_data_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert found(environment(tmp_path / "file"))["data directory"].result is Result.PROBLEM


def test_a_gateway_that_runs_is_seen_and_is_no_fault(data: Path) -> None:
    assert found(environment(data))["gateway"].finding.startswith("No gateway runs")
    with sharing(data):
        findings = found(environment(data))
    assert findings["gateway"].finding.startswith("A gateway runs")
    assert findings["flows"].result is Result.WARNING, "a gateway would have set the mode WAL"


def test_a_ledger_that_is_locked_for_long_is_a_warning(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.commands.doctor.stores.BUSY_SECONDS", 0.01)
    with contextlib.closing(sqlite3.connect(data / "gateway.sqlite3", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert "locked by another process" in one_of(environment(data), "ledger", Result.WARNING).finding


@pytest.mark.parametrize(
    ("room", "files", "result"),
    [
        (10 * 2**30, 10**6, Result.OK),
        (10 * 2**30, None, Result.OK),
        (500 * 2**20, 10**6, Result.WARNING),
        (10 * 2**20, 10**6, Result.PROBLEM),
        (10 * 2**30, 5_000, Result.WARNING),
        (10 * 2**30, 10, Result.PROBLEM),
    ],
)
def test_room_is_bytes_and_files(room: int, files: int | None, result: Result) -> None:
    finding = directories.of_room(Path("/data"), room, files)
    assert (finding.check, finding.result) == ("disk", result)
    assert (finding.remedy is None) == (result is Result.OK)


def test_each_disk_is_told_once(data: Path, tmp_path: Path) -> None:
    (finding,) = [one for one in examined(environment(data), is_offline=True) if one.check == "disk"]
    assert str(data) in finding.finding
    if Path("/proc").stat().st_dev != data.stat().st_dev:
        given = environment(data, GATEWAY_DATABASE_URL="sqlite:////proc/ledger")
        assert len([one for one in examined(given, is_offline=True) if one.check == "disk"]) == 2


def test_a_check_that_fails_itself_hides_no_other_one(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(directories, "is_in_use", fail)
    findings = found(environment(data))
    assert (findings["gateway"].result, findings["gateway"].finding) == (
        Result.PROBLEM,
        "The check has failed: RuntimeError.",
    )
    assert findings["disk"].result is Result.OK


def told(capsys: pytest.CaptureFixture[str], environ: dict[str, str], **options: bool) -> tuple[int, str]:
    chosen = {"json": False, "offline": True, "strict": False} | options
    code = doctor(argparse.Namespace(**chosen), environ)
    return code, capsys.readouterr().out


def test_the_exit_code_is_for_scripts(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 all well, 1 a problem; a warning is one for `--strict`."""
    (data / "media.key").chmod(0o640)
    assert told(capsys, environment(data))[0] == 0
    assert told(capsys, environment(data), strict=True)[0] == 1
    (data / "media.key").chmod(0o644)
    code, text = told(capsys, environment(data))
    assert code == 1
    assert "-> `chmod go=` them." in text
    assert "problem: 1, skipped: 7" in text


def test_the_findings_are_json_for_scripts(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "media.key").chmod(0o644)
    code, text = told(capsys, environment(data), json=True)
    report = json.loads(text)
    assert (code, report["result"]) == (1, "problem")
    (finding,) = [one for one in report["checks"] if one["result"] == "problem"]
    assert finding == {
        "check": "permissions",
        "result": "problem",
        "finding": f"Every user of the machine can open {data / 'media.key'}.",
        "remedy": "`chmod go=` them.",
    }
    names = ["upstream", "clock", "key", "balance", "publishing"]
    assert [one["check"] for one in report["checks"]][-5:] == names


def test_no_secret_is_printed_whatever_is_wrong(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With all parts configured, and all of them failing, also over the network: it leads to closed ports."""
    for name in ("gateway.sqlite3", "keys.sqlite3"):
        (data / name).write_bytes(SECRET.encode() * 500)
    for name in ("clients.toml", "manifest.json"):
        (tmp_path / name).write_text(f'{{"{SECRET}')
    closed = f"http://127.0.0.1:{_closed()}"
    given = environment(
        data,
        GATEWAY_HIKERAPI_KEY=SECRET,
        GATEWAY_HIKERAPI_URL=closed,
        GATEWAY_PLATFORM_URL=closed,
        GATEWAY_PLATFORM_TOKEN=SECRET,
        GATEWAY_PLATFORM_APP_SECRET=SECRET,
        GATEWAY_PLATFORM_VERIFY_TOKEN=SECRET,
        GATEWAY_CURSOR_SECRET=SECRET,
        GATEWAY_MEDIA_SECRET=SECRET,
        GATEWAY_FLOWS_KEY=SEALING,
        GATEWAY_DATABASE_URL=f"postgresql://{SECRET}:{SECRET}@127.0.0.1:{_closed()}/{SECRET}",
        GATEWAY_CLIENTS_FILE=str(tmp_path / "clients.toml"),
        GATEWAY_DOCUMENTS_FILE=str(tmp_path / "manifest.json"),
        HTTP_PROXY=f"http://name:{SECRET}@127.0.0.1:{_closed()}",
    )
    for is_json in (False, True):
        code, text = told(capsys, given, offline=False, json=is_json)
        assert code == 1
        assert SECRET not in text
        assert SEALING not in text
    problems = {one["check"] for one in json.loads(text)["checks"] if one["result"] == "problem"}
    assert problems == {"ledger", "flows", "shared keys", "clients", "documents", "upstream", "publishing"}


def _closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_every_check_is_documented() -> None:
    document = (ROOT / "docs/operations/doctor.md").read_text()
    rows = " ".join(line.split("|")[1] for line in document.splitlines() if line.startswith("| `"))
    names = {SETTINGS, *(name for name, _ in LOCAL), *NETWORK}
    assert [name for name in sorted(names) if f"`{name}`" not in rows] == []


def test_the_table_has_a_line_for_each_finding_and_each_remedy() -> None:
    findings = [Finding("a", Result.OK, "Well."), Finding("long name", Result.PROBLEM, "Not so.", "Do it.")]
    assert as_table(findings) == (
        "a          ok       Well.\n"
        "long name  problem  Not so.\n"
        "                    -> Do it.\n"
        "\nok: 1, warning: 0, problem: 1, skipped: 0\n"
    )


@contextlib.contextmanager
def writing(data: Path) -> Iterator[list[Exception]]:
    """A process that writes to the ledger all the time, and its errors."""
    errors: list[Exception] = []
    ended = threading.Event()

    def write() -> None:
        with contextlib.closing(sqlite3.connect(data / "gateway.sqlite3", timeout=0.5, isolation_level=None)) as db:
            while not ended.is_set():
                try:
                    db.execute("BEGIN IMMEDIATE")
                    db.execute("INSERT INTO leases VALUES ('web', 'hour', 1, 1) ON CONFLICT DO UPDATE SET leased = 2")
                    db.execute("COMMIT")
                except sqlite3.Error as error:
                    errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield errors
    finally:
        ended.set()
        thread.join()


def test_who_writes_meanwhile_is_not_disturbed(data: Path) -> None:
    with writing(data) as errors:
        for _ in range(5):
            assert found(environment(data))["ledger"].result is Result.OK
    assert errors == []

"""What a gateway writes from its start to its end, in both forms, and what it does when nobody reads that."""

from __future__ import annotations

import json
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.logs.line_formats import LogFormat
from gateway.logs.line_writer import MOST_WAITING
from tests import processes
from tests.commands.process import LIMIT, address, run, started
from tests.logs.logfmt import pairs_in

SECRET = "pl4nted5ecret"  # pragma: allowlist secret
TRAY = {"query": 'query Tray { user(by: { username: "natgeo" }) { highlights { nodes { title } } } }'}
TRACE = "0af7651916cd43dd8448eb211c80319c"  # pragma: allowlist secret
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
BATCH = 500
# A line holds both, so that fewer of them fill what waits; its other parts have 200 bytes and more.
LONG_NAME, LONG_ID = "n" * 128, "i" * 64
LINE = 200 + len(LONG_NAME + LONG_ID)


@dataclass(frozen=True, slots=True)
class Written:
    """All that a gateway has written, and the lines of its log as they read back."""

    output: str
    log: str
    lines: list[dict[str, object]]
    pid: int

    def of(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line.get("event") == event]


@pytest.fixture(scope="module", params=LogFormat)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """By one gateway, which is asked four times for the same, and once by a stranger."""
    folder, form = tmp_path_factory.mktemp("logged"), LogFormat(request.param)
    file = folder / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(folder), "GATEWAY_SLOW_MS": "1"}
    with started("serve", **given, GATEWAY_LOG_FORMAT=form.value) as (announcement, process):
        url = f"{address(announcement)}/graphql?token={SECRET}"
        with httpx.Client(timeout=LIMIT) as client:
            for number in range(4):
                ids = {"x-request-id": f"mine-{number}", "traceparent": PARENT}
                answer = client.post(url, json=TRAY, headers={"authorization": f"Bearer {key}"} | ids)
                assert (answer.status_code, answer.headers["x-request-id"]) == (200, f"mine-{number}")
            refused = client.post(url, json=TRAY, headers={"authorization": f"Bearer {SECRET}"})
            assert refused.status_code == 401
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(LIMIT)
        assert process.wait() == 0
    assert (key in log, SECRET in log, "?" in log, "://" in log.replace(address(announcement), "")) == (False,) * 4
    lines: list[dict[str, object]] = [
        json.loads(line) if form is LogFormat.JSON else dict(pairs_in(line)) for line in log.splitlines()
    ]
    return Written(output, log, lines, process.pid)


def test_each_line_reads_back_with_its_time_and_its_process(written: Written) -> None:
    for line in written.lines:
        assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z", str(line["time"])), line
        assert (str(line["pid"]), str(line["worker"])) == (str(written.pid), "0")
        assert line["level"] in {"INFO", "WARNING", "ERROR"}


def test_the_first_and_the_last_line_are_its_own_and_no_library_says_anything(written: Written) -> None:
    events = [line.get("event") for line in written.lines]
    assert events.count("Started") == 1
    assert events[-1] == "Stopped"
    assert {key: str(written.lines[-1][key]) for key in ("operations", "flows")} == {"operations": "0", "flows": "0"}
    assert [line for line in written.lines if "logger" in line] == []
    (began,) = written.of("Started")
    assert (began["upstream"], str(began["workers"])) == ("sandbox", "1")


def test_each_operation_is_one_line_however_it_was_answered(written: Written) -> None:
    told = written.of("OperationCompleted")
    sources = ["executed", "response_cache", "exact_match", "exact_match", "refused"]
    assert [line["source"] for line in told] == sources
    assert [line["request"] for line in told[:4]] == [f"mine-{number}" for number in range(4)]
    assert {line["trace"] for line in told[:4]} == {TRACE}
    assert {(line["client"], line["operation"], line["type"], str(line["status"])) for line in told[:4]} == {
        ("web", "Tray", "query", "200")
    }
    assert [str(line["charged"]) for line in told] == ["3", "0", "0", "0", "0"]
    assert [str(line["saved_by_cache"]) for line in told] == ["0", "3", "3", "3", "0"]
    assert len({line["document"] for line in told[:4]}) == 1
    assert "UNAUTHENTICATED" in told[4]["codes"]  # type: ignore[operator]


def test_a_slow_operation_has_its_calls(written: Written) -> None:
    slow = [line for line in written.of("SlowOperation") if line["request"] == "mine-0"]
    (line,) = slow
    assert line["level"] == "WARNING"
    assert "tray_by_username" in str(line["plan"])
    assert "bought" in str(line["plan"])


def test_standard_output_has_the_announcement_alone(written: Written) -> None:
    assert written.output == ""


def test_a_gateway_whose_log_is_not_read_answers_on_and_tells_what_is_missing(tmp_path: Path) -> None:
    """A pipe takes 64 KiB, and so many bytes wait in the process: the rest of the lines is counted."""
    batch = [{"query": f"query {LONG_NAME} {{ __typename }}"}] * BATCH
    given = {"GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_BATCH_LIMIT": str(BATCH), "GATEWAY_SLOW_MS": "600000"}
    rounds = (MOST_WAITING + 2**17) // (LINE * BATCH)
    with started("serve", **given) as (announcement, process), httpx.Client(timeout=LIMIT) as client:
        url = f"{address(announcement)}/graphql"
        for _ in range(rounds):
            assert len(client.post(url, json=batch, headers={"x-request-id": LONG_ID}).json()) == BATCH
        assert client.get(f"{address(announcement)}/healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(LIMIT)
    dropped = sum(map(int, re.findall(r"event=LogLinesDropped lines=([0-9]+)", log)))
    assert dropped > 0
    told = sum(" event=" in line for line in log.splitlines() if "event=LogLinesDropped" not in line)
    assert log.count("event=OperationCompleted") + dropped >= rounds * BATCH
    assert told + dropped <= rounds * BATCH + 50
    assert log.splitlines()[-1].count("event=") == 1


def test_lines_before_a_crash_are_written() -> None:
    """The process does not wait for the thread by itself."""
    program = (
        "import logging; from gateway.logs import line_formats, line_handler;"
        "line_handler.install(line_formats.LogFormat.TEXT, 'info'); "
        "[logging.error('line %d.', number) for number in range(2_000)]; "
        "raise SystemExit(3)"
    )
    result = processes.run([sys.executable, "-c", program], seconds=LIMIT)
    assert (result.returncode, result.stderr.count("level=ERROR")) == (3, 2_000)
    assert result.stderr.splitlines()[-1].endswith('message="line 1999."')

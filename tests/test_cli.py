"""The command as its own process, the way it is run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import schema
from gateway.settings import Settings

PROGRAM = [sys.executable, "-m", "gateway"]
LIMIT = 60.0


def environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")} | dict(given)


def run(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment(given), capture_output=True, text=True, timeout=LIMIT, check=False
    )


@contextmanager
def started(*arguments: str, **given: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server on a free port and its announcement. It listens before it announces, so nothing has to wait."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments, "--port", "0"],
        env=environment(given),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline(), process
    finally:
        process.kill()
        process.communicate()


def address(announcement: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", announcement)
    assert found, announcement
    return found[0]


def test_serve_announces_the_sandbox_and_a_url_that_answers(tmp_path: Path) -> None:
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, _):
        assert "sandbox" in announcement
        assert httpx.get(f"{address(announcement)}/healthz", timeout=LIMIT).status_code == 200


def test_serve_announces_the_api_it_was_pointed_at_and_tells_nobody_the_key(tmp_path: Path) -> None:
    """At their finest level the libraries below log the headers they send."""
    with started("sandbox") as (upstream, _):
        given = {
            "GATEWAY_HIKERAPI_URL": address(upstream),
            "GATEWAY_HIKERAPI_KEY": "sandbox-key-x",  # pragma: allowlist secret
            "GATEWAY_DATA_DIR": str(tmp_path),
            "GATEWAY_LOG_LEVEL": "debug",
        }
        with started("serve", **given) as (announcement, process):
            assert f"the upstream is {address(upstream)}" in announcement
            query = {"query": '{ user(by: { username: "natgeo" }) { biography } }'}
            answer = httpx.post(f"{address(announcement)}/graphql", json=query, timeout=LIMIT)
            assert answer.status_code == 200
            process.terminate()
            _, log = process.communicate(timeout=LIMIT)
            assert "sandbox-key-x" not in announcement + log + answer.text


@pytest.mark.parametrize("command", ["serve", "sandbox"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly_when_asked_to(command: str, number: signal.Signals, tmp_path: Path) -> None:
    with started(command, GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, process):
        httpx.get(address(announcement), timeout=LIMIT)
        process.send_signal(number)
        _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        assert "Traceback" not in log


def test_the_sandbox_answers_the_contract_over_real_http() -> None:
    with started("sandbox") as (announcement, _):
        answer = httpx.get(
            f"{address(announcement)}/v1/user/highlights",
            params={"user_id": "787132"},
            headers={"x-access-key": "sandbox"},
            timeout=LIMIT,
        )
        assert [highlight["user"]["username"] for highlight in answer.json()] == ["natgeo"] * 3


def test_bad_settings_are_told_all_at_once_without_a_traceback() -> None:
    result = run("serve", GATEWAY_TTL_TRAY="ten", GATEWAY_HIKERAPI_KYE="k-123")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "GATEWAY_HIKERAPI_KYE is not a setting. The nearest one is GATEWAY_HIKERAPI_KEY.",
        "GATEWAY_TTL_TRAY must be a whole number of seconds from 0 to 31536000.",
    ]


def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("sandbox", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Cannot listen on 127.0.0.1 port {port}: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["65536", "-1", "http", "\u0661"])
def test_a_port_must_be_a_port(port: str) -> None:
    result = run("serve", f"--port={port}")
    assert result.returncode == 2
    assert "must be a number from 0 to 65535" in result.stderr


def test_help_lists_every_setting() -> None:
    listed = set(re.findall(r"GATEWAY_[A-Z_]+", run("serve", "--help").stdout))
    assert listed >= {row.name for row in Settings.table()}


def test_the_committed_schema_is_the_printed_one() -> None:
    result = run("schema", "--check")
    assert (result.returncode, result.stdout) == (0, "The printed schema is up to date.\n")


def test_a_stale_schema_is_shown_as_a_difference_and_mended(tmp_path: Path) -> None:
    """On a copy of the package, so that the committed files stay as they are."""
    shutil.copytree(Path(schema.__file__).parent, tmp_path / "schema")
    # Unmeasured: a second copy of the package would count as not covered.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}

    def schema_command(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, "schema", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=unmeasured, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    committed = (tmp_path / "schema/api.graphql").read_text()
    (tmp_path / "schema/api.graphql").write_text(committed + "type Stale { a: Int }\n")
    stale = schema_command("--check")
    assert stale.returncode == 1
    assert "-type Stale { a: Int }" in stale.stdout
    assert schema_command().returncode == 0
    assert (tmp_path / "schema/api.graphql").read_text() == committed
    assert schema_command("--check").returncode == 0

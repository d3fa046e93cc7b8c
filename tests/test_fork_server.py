"""What is forked is a process like one that was started: its arguments, environment, output and end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import fork_server
from tests.commands.process import LIMIT, address, environment, run, started
from tests.fork_server import ROOT, Forked

LEFT = """
import os, sys
from tests import fork_server
from tests.commands.process import environment
process = fork_server.start(["sandbox", "--port", "0"], environment({}))
print(process.pid, process.stdout.readline(), flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def sandbox() -> Iterator[Forked]:
    """One that serves."""
    with started("sandbox") as (announcement, process):
        httpx.get(address(announcement), timeout=LIMIT)
        yield process


def test_arguments_environment_and_directory_are_those_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_CLIENTS_FILE", "of.this.process")
    assert "GATEWAY_CLIENTS_FILE" in run("keys", "list").stderr
    assert run("keys", "add", "web", GATEWAY_CLIENTS_FILE="clients.toml").returncode == 0
    assert (tmp_path / "clients.toml").exists()


def test_it_is_a_process_in_a_session_of_its_own(sandbox: Forked) -> None:
    assert os.getsid(sandbox.pid) == sandbox.pid == os.getpgid(sandbox.pid)
    assert sandbox.pid != os.getpid()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_signals_reach_it_and_its_exit_code_is_told(sandbox: Forked, number: signal.Signals, code: int) -> None:
    assert sandbox.poll() is None
    sandbox.send_signal(number)
    assert sandbox.wait(LIMIT) == code == sandbox.poll()
    sandbox.send_signal(number)


async def test_its_end_is_waited_for_beside_other_work(sandbox: Forked) -> None:
    sandbox.terminate()
    assert await sandbox.ended() == 0


def test_who_waits_too_long_is_told_so(sandbox: Forked) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        sandbox.wait(0)
    with pytest.raises(subprocess.TimeoutExpired):
        sandbox.communicate(0)
    assert sandbox.wait(LIMIT) == -signal.SIGKILL


def test_its_exit_code_and_output_are_those_of_a_real_start(tmp_path: Path) -> None:
    given = environment({"GATEWAY_DATA_DIR": str(tmp_path)})
    command = [sys.executable, "-m", "gateway", "serve", "--port", "none"]
    real = subprocess.run(command, env=given, capture_output=True, text=True, timeout=LIMIT, check=False)
    forked = run("serve", "--port", "none", GATEWAY_DATA_DIR=str(tmp_path))
    assert (forked.returncode, forked.stdout, forked.stderr) == (real.returncode, real.stdout, real.stderr)


def test_it_holds_no_pipe_of_another(sandbox: Forked) -> None:
    """Whoever reads that would wait for the end of both."""
    with started("sandbox") as (_, second):
        assert len(pipes(sandbox.pid)) > 1
        assert pipes(sandbox.pid) & pipes(second.pid) == set()


def pipes(pid: int) -> set[str]:
    names = (os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir())
    return {name for name in names if name.startswith("pipe:")}


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    for _ in range(2):
        process = fork_server.start(["keys", "list"], environment({}), tmp_path / "log")
        assert process.wait(LIMIT) == 2
        process.close()
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == second


def test_all_end_with_the_process_that_started_them() -> None:
    left = subprocess.Popen([sys.executable, "-c", LEFT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    output, _ = left.communicate(timeout=LIMIT)
    pid, announcement = output.split(maxsplit=1)
    assert "sandbox" in announcement
    try:
        watched = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], LIMIT)[0] == [watched]
    finally:
        os.close(watched)

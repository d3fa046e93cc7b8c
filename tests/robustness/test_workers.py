"""Several processes behind one port: one ledger, one clients file, and no gap when one of them dies."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateway.sandbox import fixture_users
from tests.commands.process import ask, logged, run
from tests.robustness.processes import Server, billed, gateway, sandbox

TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
WORKERS = ("--workers", "2")


def workers_of(server: Server) -> set[int]:
    """Processes that the supervisor started to serve: the other kind of child keeps track of shared resources."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_all_workers_together_keep_to_a_clients_allowance(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "web", "--allowance", "month=9", "--file", str(file)).stdout.strip()
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS, GATEWAY_CLIENTS_FILE=str(file)) as server:
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda pk: ask(server.url, TRAY, key, id=str(pk)), range(700_000, 700_060)))
        assert all(answer.status_code == 200 for answer in answers)
        refused = [answer for answer in answers if "ALLOWANCE_EXCEEDED" in answer.text]
        assert refused
        assert 0 < billed(upstream) <= 9


def test_the_supervisor_holds_no_file_that_only_workers_use(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS) as server:
        descriptors = Path(f"/proc/{server.process.pid}/fd").iterdir()
        opened = [os.readlink(descriptor) for descriptor in descriptors]
        assert [path for path in opened if path.startswith(str(tmp_path))] == []


def test_a_worker_that_dies_is_replaced_and_the_others_serve_on(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS) as server:
        assert (
            ask(server.url, TRAY, id=fixture_users.THIRTY.pk).json()["data"]["user"]["highlights"]["totalCount"] == 30
        )
        before = workers_of(server)
        assert len(before) == 2
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        assert str(killed) in logged(server.process, "died")
        logged(server.process, "Application startup complete")
        after = workers_of(server)
        assert len(after) == 2
        assert killed not in after
        assert ask(server.url, TRAY, id=fixture_users.THIRTY.pk).status_code == 200


def test_a_hangup_reaches_every_worker(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    run("keys", "add", "web", "--file", str(file))
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS, GATEWAY_CLIENTS_FILE=str(file)) as server:
        for _ in WORKERS[1] * int(WORKERS[1]):
            logged(server.process, "Application startup complete")
        key = run("keys", "add", "router", "--file", str(file)).stdout.strip()
        server.process.send_signal(signal.SIGHUP)
        for _ in range(int(WORKERS[1])):
            logged(server.process, "ClientsReloaded")
        assert {ask(server.url, TRAY, key, id="787132").status_code for _ in range(12)} == {200}


def test_they_all_end_when_the_supervisor_is_told_to(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS) as server:
        ask(server.url, TRAY, id="787132")
        workers = workers_of(server)
        code, log = server.end(signal.SIGTERM)
        assert (code, "Traceback" in log) == (0, False)
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_the_embedded_sandbox_serves_one_worker_only(tmp_path: Path) -> None:
    result = run("serve", *WORKERS, "--port", "0", GATEWAY_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert "highlights-gateway sandbox" in result.stderr

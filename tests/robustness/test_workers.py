"""Several processes behind one port: one ledger, one clients file, and no gap when one of them dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.sandbox import fixture_users
from tests.commands.process import ask, logged, run
from tests.robustness.processes import Server, billed, gateway, sandbox

TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
WORKERS = ("--workers", "2")
READY = "event=Started "
LIMIT = 9  # billed requests


def workers_of(server: Server) -> set[int]:
    """Processes that the supervisor started to serve: the other kind of child keeps track of shared resources."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@dataclass(frozen=True, slots=True)
class Served:
    """`key` is that of a client without limits, `limited` that of one who may spend LIMIT, `operator` an operator's."""

    upstream: Server
    gateway: Server
    file: Path
    key: str
    limited: str
    operator: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With all its workers ready, and nothing else in the log that is read next."""
    folder = tmp_path_factory.mktemp("workers")
    file = folder / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    limited = run("keys", "add", "limited", "--allowance", f"month={LIMIT}", "--file", str(file)).stdout.strip()
    operator = run("keys", "add", "ops", "--rights", "operate", "--file", str(file)).stdout.strip()
    manifest = folder / "manifest.json"
    manifest.write_text("{}")
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DOCUMENTS_FILE": str(manifest)}
    with sandbox() as upstream, gateway(upstream, folder, *WORKERS, **given) as server:
        ready = [logged(server.process, READY) for _ in range(int(WORKERS[1]))]
        assert sorted(line.partition(" worker=")[2][:2] for line in ready) == ["1 ", "2 "]
        yield Served(upstream, server, file, key, limited, operator)


def test_all_workers_together_keep_to_a_clients_allowance(served: Served) -> None:
    before = billed(served.upstream)
    with ThreadPoolExecutor(12) as pool:
        pks = range(700_000, 700_060)
        answers = list(pool.map(lambda pk: ask(served.gateway.url, TRAY, served.limited, id=str(pk)), pks))
    assert all(answer.status_code == 200 for answer in answers)
    refused = [answer for answer in answers if "ALLOWANCE_EXCEEDED" in answer.text]
    assert refused
    assert 0 < billed(served.upstream) - before <= LIMIT


def test_the_supervisor_holds_no_file_that_only_workers_use(served: Served) -> None:
    descriptors = Path(f"/proc/{served.gateway.process.pid}/fd").iterdir()
    opened = [os.readlink(descriptor) for descriptor in descriptors]
    # Each process holds the lock of the data directory itself.
    assert [path for path in opened if path.startswith(f"{served.file.parent}/")] == []


def test_a_worker_that_dies_is_replaced_and_the_others_serve_on(served: Served) -> None:
    server = served.gateway
    answer = ask(server.url, TRAY, served.key, id=fixture_users.THIRTY.pk).json()
    assert answer["data"]["user"]["highlights"]["totalCount"] == 30
    before = workers_of(server)
    assert len(before) == 2
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    assert f"process={killed} " in logged(server.process, "WorkerDied")
    logged(server.process, READY)
    after = workers_of(server)
    assert len(after) == 2
    assert killed not in after
    assert ask(server.url, TRAY, served.key, id=fixture_users.THIRTY.pk).status_code == 200


def test_cached_data_is_forgotten_by_every_worker(served: Served) -> None:
    """Each has a cache of its own. A worker that was killed before has left a socket, which says nothing."""
    forget = "mutation { forgetCachedData(input: { all: true }) { price workers { processId hasAnswered } } }"
    for _ in range(2):
        ask(served.gateway.url, forget, served.operator)
        before = billed(served.upstream)
        with ThreadPoolExecutor(8) as pool:
            while billed(served.upstream) - before < 4:  # until both have bought it
                list(pool.map(lambda _: ask(served.gateway.url, TRAY, served.key, id="787132"), range(16)))
        answer = ask(served.gateway.url, forget, served.operator).json()["data"]["forgetCachedData"]
        assert (billed(served.upstream) - before, answer["price"]) == (4, 6)  # by name a tray costs 3
        workers = sorted(workers_of(served.gateway))
        assert answer["workers"] == [{"processId": pid, "hasAnswered": True} for pid in workers]


def test_the_state_of_every_worker_is_shown(served: Served) -> None:
    """And the entries that each has, once each has bought the same."""
    status = "{ gateway { workers { processId hasAnswered } cache { facts { kind entries } } } }"
    before = billed(served.upstream)
    with ThreadPoolExecutor(8) as pool:
        while billed(served.upstream) - before < 4:
            list(pool.map(lambda _: ask(served.gateway.url, TRAY, served.key, id="75885841119"), range(16)))
    found = ask(served.gateway.url, status, served.operator).json()["data"]["gateway"]
    workers = sorted(workers_of(served.gateway))
    assert found["workers"] == [{"processId": pid, "hasAnswered": True} for pid in workers]
    assert {each["kind"]: each["entries"] for each in found["cache"]["facts"]}["tray"] >= 2


def test_a_hangup_reaches_every_worker(served: Served) -> None:
    server = served.gateway
    key = run("keys", "add", "router", "--file", str(served.file)).stdout.strip()
    server.process.send_signal(signal.SIGHUP)
    for _ in range(int(WORKERS[1])):
        logged(server.process, "DocumentsReloaded")  # the clients come first
    assert {ask(server.url, TRAY, key, id="787132").status_code for _ in range(12)} == {200}


def test_a_hangup_without_files_to_read_ends_nobody(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path, *WORKERS) as server:
        ask(server.url, TRAY, id="787132")  # answered by one that has started
        before = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGTTIN)  # which is obeyed after it, by one more worker
        while len(after := workers_of(server)) == len(before):
            pass
        assert before < after
        _, log = server.end(signal.SIGTERM)
        assert "WorkerDied" not in log


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

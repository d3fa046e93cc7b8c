"""The metrics of processes: of one, and of several workers together."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, ask, logged, run
from tests.metrics.scraped import ScrapedServer, scraped
from tests.packages import program
from tests.robustness.processes import Server, billed, sandbox
from tests.robustness.test_workers import READY, workers_of

TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
WORKERS = 2


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    with sandbox() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def served(upstream: Server) -> Iterator[ScrapedServer]:
    # The path of a control socket has 108 bytes at most, which the folders of pytest use up.
    with (
        tempfile.TemporaryDirectory() as directory,
        scraped(upstream.url, data := Path(directory), "--workers", str(WORKERS), TMPDIR=directory) as server,
    ):
        for _ in range(WORKERS):
            logged(server.gateway.process, READY)
        (folder,) = data.glob("highlights-gateway-*/metrics")
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        yield server
        assert server.gateway.end(signal.SIGTERM)[0] == 0
        assert not folder.exists()


def ask_for_many(server: ScrapedServer, first: int) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda id: ask(server.gateway.url, TRAY, id=str(id)), range(first, first + 40)))
    assert all(answer.status_code == 200 for answer in answers)


def test_workers_are_counted_together(served: ScrapedServer, upstream: Server) -> None:
    ask_for_many(served, 700_000)
    page = served.page()
    assert sum(page.values("billed_requests_total", client="local").values()) == billed(upstream)
    page = served.until(lambda page: page.value("circuit_breaker_state", upstream="reading", state="closed") == WORKERS)
    assert page.value("ledger_writable") == 1
    assert page.value("memory_limit_bytes", share="entries") == WORKERS * 88 * 2**20
    assert sum(page.values("upstream_requests_total", endpoint="tray").values()) == 40
    processes = {sample.labels["process"] for sample in page.metrics["process_cpu_seconds"].samples}
    assert processes == {"supervisor", "worker-1", "worker-2"}


def test_a_worker_that_died_leaves_its_counts_and_none_of_its_states(served: ScrapedServer) -> None:
    """Else a rate would fall below zero, and a state would stay for ever."""
    ask_for_many(served, 701_000)
    before = sum(served.page().values("billed_requests_total").values())
    killed = min(workers_of(served.gateway))
    os.kill(killed, signal.SIGKILL)
    assert str(killed) in logged(served.gateway.process, "WorkerDied")
    served.until(lambda page: page.value("circuit_breaker_state", upstream="reading", state="closed") == WORKERS - 1)
    logged(served.gateway.process, READY)
    page = served.until(lambda page: page.value("circuit_breaker_state", upstream="reading", state="closed") == WORKERS)
    assert sum(page.values("billed_requests_total").values()) == before
    ask_for_many(served, 702_000)
    assert sum(served.page().values("billed_requests_total").values()) > before


def test_one_process_serves_its_page_on_an_address_of_its_own(upstream: Server, tmp_path: Path) -> None:
    """Also where the environment has the setting of prometheus_client, which would put its values into files."""
    with scraped(upstream.url, tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "none")) as server:
        with httpx.Client(base_url=server.gateway.url, timeout=LIMIT) as client:
            client.post("/graphql", json={"query": TRAY, "variables": {"id": "787132"}}).raise_for_status()
            assert client.get("/metrics").status_code == 404
            page = server.until(lambda page: page.value("open_connections") == 1)
        assert page.values("billed_requests_total") == {("local", "tray"): 2}
        assert "process_resident_memory_bytes" in page.metrics
    assert problems(page.text) == ""


def test_an_address_in_use_is_told_before_anything_starts(upstream: Server, tmp_path: Path) -> None:
    port = upstream.port
    result = run("serve", "--port", "0", GATEWAY_DATA_DIR=str(tmp_path), GATEWAY_METRICS=f"127.0.0.1:{port}")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Cannot listen on 127.0.0.1 port {port}: Address already in use")


def test_promtool_finds_nothing_wrong_with_the_page_of_workers(served: ScrapedServer) -> None:
    assert problems(served.page().text) == ""


def problems(page: str) -> str:
    """What promtool has to say about it."""
    command = [program("promtool"), "check", "metrics"]
    checked = subprocess.run(command, input=page, capture_output=True, text=True, timeout=LIMIT, check=False)
    return checked.stdout + checked.stderr

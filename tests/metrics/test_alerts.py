"""A real Prometheus scrapes a running gateway: no alert fires in a quiet run, each fires when its cause is made.

The upstream is in the hands of the test. In the long lane each panel of the dashboards shows in the end what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.faults import Info, Latency, PlatformError, Processing, Status, WrongTypes
from tests.fakes.served import served
from tests.metrics.dashboards import panels
from tests.metrics.prometheus import LIMIT, Prometheus, prometheus
from tests.metrics.scraped import ScrapedServer, scraped
from tests.packages import program
from tests.profiles import long_only, scaled

TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
TITLES = "query Titles($id: ID!) { user(by: { id: $id }) { highlights { nodes { title } } } }"
PROFILE = "query Profile($id: ID!) { user(by: { id: $id }) { biography } }"
FLOWS = "query Flows { flows { nodes { state } } }"
CREATE = """mutation Create($once: ID!) {
  createHighlight(input: {
    account: "787132", title: "a", media: [{ url: "https://images.example.com/one.jpg" }]
    idempotencyKey: $once, waitSeconds: 5
  }) { flow { state } userErrors { code } }
}"""
# More than predict_linear over the first seconds of a run makes of a few purchases.
RICH = 10**9
LATE = 0.1  # seconds
FLOOR = 1_000
RATE = 5  # requests per second to the upstream
ALL = {
    *("ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly", "MoneyRunsOut", "BalanceAtFloor", "LedgerNotWritable"),
    *("UpstreamKeyRefused", "UpstreamDown", "FlowsStuck", "FlowStoreUnreachable", "GatewayDown"),
    *("DataDirectoryFull", "InternalErrors", "EventLoopBlocked"),
}


@dataclass(frozen=True, slots=True)
class Stand:
    """A gateway between an upstream and a Prometheus."""

    sandbox: Sandbox
    client: httpx.Client
    server: ScrapedServer
    data: Path
    is_small: bool
    """Whether the data directory is a file system of its own, which may be filled."""
    prometheus: Prometheus

    def ask(self, document: str, **variables: str) -> Any:
        return self.client.post("/graphql", json={"query": document, "variables": variables}).json()

    def ask_at_once(self, document: str, first: int, count: int) -> None:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda id: self.ask(document, id=str(id)), range(first, first + count)))

    def flood(self, document: str, first: int, count: int, *, patience: float) -> None:
        """Ask more than the rate of the upstream allows, and leave after so many seconds: requests wait or are shed."""

        async def ask(client: httpx.AsyncClient, id: int) -> None:
            with contextlib.suppress(httpx.ReadTimeout):
                await client.post("/graphql", json={"query": document, "variables": {"id": str(id)}})

        async def ask_all() -> None:
            timeout = httpx.Timeout(LIMIT, read=patience)
            unlimited = httpx.Limits()
            async with httpx.AsyncClient(base_url=self.server.gateway.url, timeout=timeout, limits=unlimited) as client:
                await asyncio.gather(*(ask(client, id) for id in range(first, first + count)))

        asyncio.run(ask_all())

    def create(self, once: str) -> Any:
        return created(self.client, once)

    @contextlib.contextmanager
    def locked(self, file: str) -> Iterator[None]:
        """As by another program that does not end."""
        with contextlib.closing(sqlite3.connect(self.data / file, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield
            db.execute("ROLLBACK")

    def change(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.data / "flows.sqlite3", timeout=30)) as db, db:
            db.execute(statement)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    program("prometheus")
    data = tmp_path / "data"
    with contextlib.ExitStack() as stack:
        app: Any = None

        def made(url: str) -> Any:
            nonlocal app
            app = create_sandbox(clock=SystemClock(), base_url=url)
            return app

        is_small = stack.enter_context(small_file_system(data))
        url = stack.enter_context(served(made, lifespan=False))
        sandbox: Sandbox = app.state.sandbox
        sandbox.balance = RICH
        given = {
            "GATEWAY_PLATFORM_URL": f"{url}/platform",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
            "GATEWAY_BALANCE_FLOOR": str(FLOOR),
            "GATEWAY_HIKERAPI_RATE": str(RATE),
            "GATEWAY_TTL_PROFILE": "1",
        }
        server = stack.enter_context(scraped(url, data, **given))
        client = stack.enter_context(httpx.Client(base_url=server.gateway.url, timeout=LIMIT))
        warm(client)
        scraper = stack.enter_context(prometheus(tmp_path, urlsplit(server.url).netloc))
        yield Stand(sandbox, client, server, data, is_small, scraper)


@contextlib.contextmanager
def small_file_system(folder: Path) -> Iterator[bool]:
    """Only root may mount one, and not in every container."""
    folder.mkdir()
    is_small = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        yield is_small
    finally:
        if is_small:
            subprocess.check_call(["umount", "--lazy", str(folder)])


def warm(client: httpx.Client) -> None:
    """All that is late when it is done for the first time: no rate over a few seconds is to be made of that."""
    for document in (TRAY, TITLES, PROFILE, FLOWS):
        client.post("/graphql", json={"query": document, "variables": {"id": "786000"}}).raise_for_status()
    created(client, "warm")


def created(client: httpx.Client, once: str) -> Any:
    """The state of a flow, which is begun as soon as the upstream has said whose account it is."""
    asked = {"query": CREATE, "variables": {"once": once}}
    while "errors" in (answer := client.post("/graphql", json=asked).json()):
        assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE", answer
        time.sleep(0.1)
    return answer["data"]["createHighlight"]["flow"]["state"]


def use(stand: Stand, first: int) -> None:
    """Everything that a client does in a day, between several scrapes."""
    for id in range(first, first + 3):
        for _ in range(3):
            stand.ask(TRAY, id=str(id))
        stand.ask(TITLES, id=str(id))
        stand.ask(PROFILE, id=str(id))
        stand.prometheus.until_scraped(1)


def test_nothing_fires_in_a_quiet_run_and_a_refused_key_does(stand: Stand) -> None:
    nothing_fires_in_a_quiet_run(stand)
    stand.sandbox.faults.lay(Status(status=401))
    stand.ask(TRAY, id="790000")
    stand.prometheus.until("UpstreamKeyRefused")
    assert stand.prometheus.firing() - {"EventLoopBlocked"} == {"UpstreamKeyRefused"}


@scaled
@long_only
@pytest.mark.timeout(500)
def test_each_alert_fires_when_its_cause_is_made_and_each_panel_shows_data(stand: Stand) -> None:
    sandbox, prometheus = stand.sandbox, stand.prometheus
    nothing_fires_in_a_quiet_run(stand)
    sandbox.faults.lay(Info(price=7, endpoint="/v1/*", times=1), WrongTypes(endpoint="/v1/*", times=1))
    use(stand, 789_000)
    upstream_fails(stand)
    a_step_is_retried_and_a_flow_hangs(stand)
    files_are_held(stand)
    the_loop_is_held(stand)
    the_money_runs_out(stand)
    empty = [f"{panel}: {asked}" for panel in panels() for asked in panel.asked() if not prometheus.query(asked)]
    assert empty == []
    the_data_directory_fills(stand)
    stand.server.gateway.process.kill()
    prometheus.until("GatewayDown")
    assert prometheus.firing() == (ALL if stand.is_small else ALL - {"DataDirectoryFull"})


def nothing_fires_in_a_quiet_run(stand: Stand) -> None:
    with lateness() as late:
        use(stand, 787_132)
        assert stand.create("quiet") == "DONE"
        use(stand, 788_000)
        stand.prometheus.until_scraped(5)
        assert stand.prometheus.firing() - ({"EventLoopBlocked"} if max(late) > LATE else set()) == set()


@contextlib.contextmanager
def lateness() -> Iterator[list[float]]:
    """The seconds by which this machine is late with a thread that sleeps: where it is, no event loop is in time."""
    late, over = [0.0], threading.Event()

    def measure() -> None:
        while not over.is_set():
            due = time.monotonic() + 0.1
            time.sleep(0.1)
            late.append(time.monotonic() - due)

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield late
    finally:
        over.set()
        thread.join()


def upstream_fails(stand: Stand) -> None:
    sandbox, prometheus = stand.sandbox, stand.prometheus
    sandbox.faults.lay(Status(status=401))
    stand.ask(TRAY, id="790000")
    prometheus.until("UpstreamKeyRefused")
    sandbox.faults.lay(Status(status=503, endpoint="/v1/*"))
    stand.ask_at_once(TRAY, 791_000, 20)
    stand.ask(PROFILE, id="787132")  # it was fresh for a second, and is served stale
    prometheus.until("UpstreamDown", "ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly")
    sandbox.faults.lay(Latency(seconds=0.2, endpoint="/v1/*"))
    while "errors" in stand.ask(TRAY, id="787132"):  # the breaker closes after five seconds
        time.sleep(0.2)
    for first in (792_000, 793_000):
        stand.flood(TRAY, first, 60 * RATE, patience=3)
        prometheus.until_scraped(2)
    sandbox.faults.clear()


def a_step_is_retried_and_a_flow_hangs(stand: Stand) -> None:
    stand.sandbox.faults.lay(PlatformError(code=-1, endpoint="POST *upload*", times=1))
    assert stand.create("retried") == "DONE"
    stand.sandbox.faults.lay(Processing(seconds=9_000))
    assert stand.create("hangs") != "DONE"
    stand.change("UPDATE gateway_flows SET created_at = created_at - 7200 WHERE status = 'RUNNING'")
    stand.prometheus.until("FlowsStuck")
    stand.change("UPDATE gateway_flows SET status = 'UNHEARD OF' WHERE status = 'DONE'")
    assert "INTERNAL_SERVER_ERROR" in json.dumps(stand.ask(FLOWS))
    stand.prometheus.until("InternalErrors")
    stand.change("UPDATE gateway_flows SET status = 'DONE' WHERE status = 'UNHEARD OF'")


def files_are_held(stand: Stand) -> None:
    with stand.locked("gateway.sqlite3"):
        stand.prometheus.until("LedgerNotWritable")
    with stand.locked("flows.sqlite3"):
        stand.prometheus.until("FlowStoreUnreachable")


def the_loop_is_held(stand: Stand) -> None:
    process = stand.server.gateway.process
    for _ in range(15):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.2)
    stand.prometheus.until("EventLoopBlocked")


def the_money_runs_out(stand: Stand) -> None:
    use(stand, 787_132)  # what a highlight was added to is bought again, while there is money
    stand.sandbox.balance = FLOOR // 2
    stand.sandbox.faults.lay(Status(status=402, endpoint="/v1/*", times=1))  # after which the balance is read at once
    stand.ask(TRAY, id="794000")
    stand.prometheus.until("BalanceAtFloor", "MoneyRunsOut")
    use(stand, 787_132)


def the_data_directory_fills(stand: Stand) -> None:
    if stand.is_small:
        free = shutil.disk_usage(stand.data).free
        (stand.data / "large").write_bytes(bytes(free - 3 * 2**20))
        stand.prometheus.until("DataDirectoryFull")

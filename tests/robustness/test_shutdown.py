"""SIGTERM with a drain: clients that are served meanwhile notice nothing, and nothing is left when the process ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.billing.ledger_file import LedgerFile
from gateway.clock import SystemClock
from gateway.domain.window import Window
from gateway.http.transports.ws_messages import PROTOCOL
from tests.commands.process import LIMIT, ask, logged, run
from tests.robustness.processes import Server, billed, gateway, lay_faults, running, sandbox
from tests.robustness.test_workers import READY, workers_of

DRAIN = 1.0  # seconds
SLOW = 2.5  # seconds: longer than the drain
PROCESSED = 3_600.0  # seconds
PROCESSING = {"kind": "processing", "seconds": PROCESSED}
# Of a drain that only a second signal ends.
LONG = {"GATEWAY_DRAIN_SECONDS": "600"}
SOON = 60.0  # seconds, on a busy machine
TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
CREATE = """mutation { createHighlight(input: { account: "787132", title: "While it ends", waitSeconds: 0
  media: [{ url: "https://media.test/1.jpg" }], idempotencyKey: "while-it-ends" }) { flow { id } } }"""
WATCH = "subscription($id: ID!) { flow(id: $id) { state } }"
FLOW = "query($id: ID!) { flow(id: $id) { state } }"


@dataclass
class Noted:
    """What clients saw of a gateway that drained and ended, and what was left."""

    ready: list[httpx.Response] = field(default_factory=list)
    alive: int = 0
    kept: list[str | None] = field(default_factory=list)
    """The header `connection` of answers on one connection, before and after the signal."""
    new: httpx.Response | None = None
    slow: httpx.Response | None = None
    heard: list[Any] = field(default_factory=list)
    """What came over the WebSocket after the signal: messages, and then code and reason of the close."""
    events: str = ""
    drained: float = 0.0
    code: int = -1
    log: str = ""
    leased: int = 0
    billed: int = 0
    state: str = ""


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Noted:
    """With a client of each kind, and a flow that waits for the upstream."""
    folder = tmp_path_factory.mktemp("drained")
    file = folder / "clients.toml"
    terms = ("--rights", "read,write", "--allowance", "day=1000")
    key = run("keys", "add", "web", *terms, "--file", str(file)).stdout.strip()
    with running("sandbox", "--clock", "movable") as upstream:
        lay_faults(upstream, PROCESSING)
        given = {
            "GATEWAY_CLIENTS_FILE": str(file),
            "GATEWAY_DRAIN_SECONDS": str(int(DRAIN)),
            "GATEWAY_PLATFORM_URL": f"{upstream.url}/platform",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
        }
        with gateway(upstream, folder, **given) as server:
            flow = begun(server, key)
            noted = watched(server, upstream, key, flow)
        noted.billed = billed(upstream)
        with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as ledger:
            noted.leased = ledger.leased("web", Window.DAY.value, Window.DAY.bounds(SystemClock().now())[0])
        httpx.delete(f"{upstream.url}/_control/faults", timeout=LIMIT)
        httpx.post(f"{upstream.url}/_control/clock", json={"advance": PROCESSED}, timeout=LIMIT)
        with gateway(upstream, folder, **given) as server:
            noted.state = ended(server, key, flow)
    return noted


def begun(server: Server, key: str) -> str:
    """The id of a flow, which is begun as soon as the upstream has said whose account it is."""
    while "errors" in (answer := ask(server.url, CREATE, key).json()):
        assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE", answer
    return str(answer["data"]["createHighlight"]["flow"]["id"])


def watched(server: Server, upstream: Server, key: str, flow: str) -> Noted:
    """From the signal to the end of the process."""
    noted = Noted()
    headers = {"x-api-key": key}
    asked = {"query": WATCH, "variables": {"id": flow}}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:
        client = stack.enter_context(httpx.Client(base_url=server.url, headers=headers, timeout=LIMIT))
        noted.kept.append(client.get("/readyz").headers.get("connection"))
        accept = {"accept": "text/event-stream"}
        stream = stack.enter_context(
            httpx.stream("POST", f"{server.url}/graphql", json=asked, headers=headers | accept, timeout=LIMIT)
        )
        lines = stream.iter_lines()
        next(lines)
        socket = stack.enter_context(
            connect(server.url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol(PROTOCOL)])
        )
        socket.send(json.dumps({"type": "connection_init", "payload": headers}))
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
        assert [json.loads(socket.recv())["type"] for _ in range(2)] == ["connection_ack", "next"]
        lay_faults(upstream, PROCESSING, {"kind": "latency", "seconds": SLOW})
        slow = pool.submit(ask, server.url, TRAY, key, id="787132")
        begun = time.monotonic()
        server.process.terminate()
        noted.ready = list(until_announced(server))
        noted.alive = httpx.get(f"{server.url}/healthz", timeout=LIMIT).status_code
        noted.kept.append(client.get("/readyz").headers.get("connection"))
        noted.new = ask(server.url, "{ __typename }", key)
        socket.send(json.dumps({"type": "ping"}))
        noted.events = "\n".join(lines)
        noted.drained = time.monotonic() - begun
        with contextlib.suppress(ConnectionClosed):
            while True:
                noted.heard.append(json.loads(socket.recv(LIMIT))["type"])
        noted.heard.append((socket.close_code, socket.close_reason))
        noted.slow = slow.result()
        _, noted.log = server.process.communicate(timeout=LIMIT)
        noted.code = server.process.wait()
    return noted


def until_announced(server: Server) -> Iterator[httpx.Response]:
    """The answers of `/readyz` up to the first that is not 200."""
    give_up = time.monotonic() + SOON
    while time.monotonic() < give_up:
        yield (answer := httpx.get(f"{server.url}/readyz", timeout=LIMIT))
        if answer.status_code != 200:
            break


def ended(server: Server, key: str, flow: str) -> str:
    """The state of the flow when it has ended, or that it has not."""
    give_up = time.monotonic() + SOON
    while time.monotonic() < give_up:
        state = str(ask(server.url, FLOW, key, id=flow).json()["data"]["flow"]["state"])
        if state in ("DONE", "FAILED"):
            return state
        time.sleep(0.1)
    return "not ended"


def test_load_balancers_are_told_and_the_process_is_alive(noted: Noted) -> None:
    assert noted.ready[-1].status_code == 503
    assert noted.ready[-1].json()["status"] == "stopping"
    assert noted.alive == 200


def test_new_connections_are_served_and_old_ones_end_with_their_next_answer(noted: Noted) -> None:
    assert noted.kept == [None, "close"]
    assert noted.new is not None
    assert noted.new.status_code == 200


def test_streams_last_as_long_as_the_drain_and_end_so_that_clients_open_them_again(noted: Noted) -> None:
    assert noted.drained >= DRAIN
    assert noted.events.rstrip().endswith(": the gateway is stopping\nretry: 1000")
    assert "event: complete" not in noted.events
    last = [one for one in noted.heard if one != "next"]  # the flow may go on meanwhile
    assert last == ["pong", (1001, "The gateway is stopping: reconnect.")]


def test_an_operation_in_progress_is_answered(noted: Noted) -> None:
    assert noted.slow is not None
    assert noted.slow.json()["data"]["user"]["highlights"]["totalCount"] == 3


def test_the_flow_is_continued_by_the_next_start(noted: Noted) -> None:
    assert noted.state == "DONE"


def test_what_is_leased_at_the_end_is_what_was_billed(noted: Noted) -> None:
    assert noted.leased == noted.billed > 0


def test_the_process_ends_well(noted: Noted) -> None:
    assert noted.code == 0
    assert "ShutdownBegan drain=1" in noted.log
    assert "Traceback" not in noted.log


def test_sigint_does_not_drain_nor_does_a_second_sigterm(tmp_path: Path) -> None:
    with sandbox() as upstream:
        with gateway(upstream, tmp_path, **LONG) as server:
            assert httpx.get(f"{server.url}/healthz", timeout=LIMIT).status_code == 200
            assert server.end(signal.SIGINT)[0] == 0
        with gateway(upstream, tmp_path, **LONG) as server:
            httpx.get(f"{server.url}/healthz", timeout=LIMIT)
            server.process.terminate()
            assert [answer.status_code for answer in until_announced(server)][-1] == 503
            assert server.end(signal.SIGTERM)[0] == 0


def test_all_workers_drain_at_once_and_none_is_replaced_meanwhile(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path, "--workers", "2", **LONG) as server:
        for _ in range(2):
            logged(server.process, READY)
        workers = workers_of(server)
        server.process.terminate()
        for _ in workers:
            assert "drain=600" in logged(server.process, "ShutdownBegan")
        os.kill(min(workers), signal.SIGKILL)
        assert {httpx.get(f"{server.url}/readyz", timeout=LIMIT).status_code for _ in range(6)} == {503}
        assert workers_of(server) <= workers
        code, log = server.end(signal.SIGTERM)
    assert (code, "Traceback" in log) == (0, False)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)

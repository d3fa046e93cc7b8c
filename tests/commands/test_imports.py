"""What a command imports: what it needs itself, because whoever calls it waits for that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, address, ask, environment

READY = "event=Started "
REPORT = """
import json, sys
from gateway.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
# What builds the graph, keeps flows, speaks HTTP or opens pictures.
HEAVY = frozenset(
    {
        "aiohttp",
        "cryptography",
        "dbos",
        "graphql",
        "httpx",
        "PIL",
        "prometheus_client",
        "psycopg",
        "schema",
        "sqlalchemy",
        "starlette",
        "strawberry",
        "uvicorn",
    }
)


def imported(*arguments: str, **given: str) -> set[str]:
    """All modules that are loaded when the command is done."""
    command = [sys.executable, "-c", REPORT, *arguments]
    done = subprocess.run(command, env=environment(given), capture_output=True, text=True, timeout=LIMIT, check=False)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["serve", "--help"],
        ["flows", "list", "--help"],
        ["keys", "add", "web", "--file", "{folder}/clients.toml"],
        ["keys", "list", "--file", "{folder}/clients.toml"],
        ["ledger"],
        ["settings"],
        ["doctor", "--offline"],
        ["backup", "{folder}/copy"],
        ["restore", "{folder}/copy"],
    ],
    ids=" ".join,
)
def test_what_needs_no_graph_imports_none(arguments: list[str], tmp_path: Path) -> None:
    told = [argument.format(folder=tmp_path) for argument in arguments]
    # Where there is a data directory, `keys add` writes into its audit trail, a database.
    assert HEAVY & imported(*told, GATEWAY_DATA_DIR=str(tmp_path / "data")) == set()


def test_help_imports_no_command() -> None:
    """Only how they are called."""
    ours = {name for name in imported("--help") if name.startswith("gateway.commands.")}
    assert ours == {f"gateway.commands.{name}" for name in ("base", "data_arguments", "deferred")}


TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'
# Speaks to hosts over the network; the embedded sandbox is not among them.
LATER = frozenset({"aiohttp", "httpx_aiohttp", "gateway.upstream.client.aiohttp_transport"})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """What `serve` imports until it is ready, and what from then on until its first operation is answered."""
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-X", "importtime", "-m", "gateway", "serve", "--port", "0"]
    # Into a file: nobody reads a pipe while the announcement is waited for.
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command, env=environment({"GATEWAY_DATA_DIR": str(folder)}), stdout=subprocess.PIPE, stderr=log, text=True
        )
    reaper = threading.Timer(LIMIT, process.kill)
    reaper.start()
    try:
        assert process.stdout is not None
        url = address(process.stdout.readline())
        while READY not in (folder / "log").read_text():  # written a moment after it happened
            httpx.get(f"{url}/healthz", timeout=LIMIT).raise_for_status()
        assert ask(url, TRAY).json()["data"]["user"]["highlights"]["totalCount"] == 3
    finally:
        reaper.cancel()
        process.kill()
        process.communicate()
    before, ready, after = (folder / "log").read_text().partition(READY)
    assert ready
    return told(before), told(after)


def told(log: str) -> set[str]:
    """The modules in what `-X importtime` writes."""
    return set(re.findall(r"^import time: .*\| +(\S+)$", log, re.MULTILINE))


def test_serve_is_ready_with_flows_and_without_the_network(served: tuple[set[str], set[str]]) -> None:
    before, _ = served
    assert {"dbos", "schema.build"} <= before
    assert LATER & before == set()


def test_without_traces_nothing_of_opentelemetry_is_imported(served: tuple[set[str], set[str]]) -> None:
    before, after = served
    assert [name for name in sorted(before | after) if name.startswith(("opentelemetry", "gateway.tracing"))] == []


def test_the_first_operation_imports_nothing_of_weight(served: tuple[set[str], set[str]]) -> None:
    """It would be slower than the second by that."""
    _, after = served
    assert [name for name in sorted(after) if name.split(".")[0] in HEAVY | {"gateway"}] == []

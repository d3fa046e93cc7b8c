"""What a command imports: what it needs itself, because whoever calls it waits for that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.process import LIMIT, environment

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
        ["ledger"],
    ],
    ids=" ".join,
)
def test_what_needs_no_graph_imports_none(arguments: list[str], tmp_path: Path) -> None:
    told = [argument.format(folder=tmp_path) for argument in arguments]
    assert HEAVY & imported(*told, GATEWAY_DATA_DIR=str(tmp_path)) == set()


def test_help_imports_no_command() -> None:
    """Only how they are called."""
    ours = {name for name in imported("--help") if name.startswith("gateway.commands.")}
    assert ours == {"gateway.commands.base", "gateway.commands.deferred"}

"""A gateway stops, and another one starts at its address: what clients make of it that follow a flow meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import processes
from tests.commands.process import LIMIT, ask
from tests.node import projects
from tests.robustness.processes import Server, lay_faults, running, settings

PROCESSED = 3_600.0  # seconds
CREATE = """mutation { createHighlight(input: { account: "787132", title: "Followed", waitSeconds: 0
  media: [{ url: "https://media.test/1.jpg" }], idempotencyKey: "followed" }) { flow { id } } }"""


@pytest.fixture(scope="module")
def outcomes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Of graphql-ws, graphql-sse and Apollo Client."""
    folder = tmp_path_factory.mktemp("reconnection")
    with running("sandbox", "--clock", "movable") as upstream:
        lay_faults(upstream, {"kind": "processing", "seconds": PROCESSED})
        given = settings(upstream, folder) | {
            "GATEWAY_PLATFORM_URL": f"{upstream.url}/platform",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
        }
        with running("serve", **given) as server:
            flow = begun(server)
            command = [projects.program("node"), "reconnect.mjs", server.url, flow]
            options = {"cwd": project, "env": projects.environment(), "stdout": subprocess.PIPE}
            with processes.started(command, seconds=LIMIT, **options) as client:
                assert client.stdout is not None
                assert {client.stdout.readline().strip() for _ in range(3)} == {"graphql-ws", "graphql-sse", "apollo"}
                assert server.end(signal.SIGTERM)[0] == 0
                with running("serve", "--port", server.port, **given):
                    httpx.post(f"{upstream.url}/_control/clock", json={"advance": PROCESSED}, timeout=LIMIT)
                    return list(json.loads(client.stdout.readline()))


def begun(server: Server) -> str:
    """The id of a flow, which is begun as soon as the upstream has said whose account it is."""
    while "errors" in (answer := ask(server.url, CREATE).json()):
        assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE", answer
    return str(answer["data"]["createHighlight"]["flow"]["id"])


@pytest.mark.parametrize("place", [0, 1], ids=["graphql-ws", "graphql-sse"])
def test_it_connects_again_by_itself_and_follows_the_flow_to_its_end(
    place: int, outcomes: list[dict[str, Any]]
) -> None:
    assert outcomes[place]["states"][-1] == "DONE"
    assert "error" not in outcomes[place]


def test_apollo_client_is_given_the_error_of_the_transport(outcomes: list[dict[str, Any]]) -> None:
    assert outcomes[2]["error"] == "SERVICE_STOPPING"
    assert "DONE" not in outcomes[2]["states"]

"""A gateway as its clients meet it: its own process, on the embedded sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.samples import as_json
from tests.commands.process import address, started_for
from tests.meta.tree import ROOT
from tests.node import projects

# Of the gateway's life, in seconds: tests of other packages may come between those that ask it.
LIMIT = 1_800.0


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started_for(LIMIT, "serve", GATEWAY_DATA_DIR=str(tmp_path_factory.mktemp("data"))) as (announcement, _):
        yield f"{address(announcement)}/graphql"


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JavaScript clients, with the graph and the example operations beside them."""
    project = projects.installed(projects.CLIENTS, tmp_path_factory.mktemp("clients"))
    shutil.copy(ROOT / "schema/api.graphql", project)
    shutil.copytree(ROOT / "queries", project / "queries")
    return project


@pytest.fixture(scope="package")
def relay(project: Path) -> dict[str, Any]:
    """What its compiler has made of the operations, of each node and of each list."""
    written: dict[str, Any] = json.loads(projects.run(project, "relay.mjs", as_json()).splitlines()[-1])
    return written

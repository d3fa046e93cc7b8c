"""A gateway as its clients meet it: its own process, on the embedded sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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

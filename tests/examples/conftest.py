"""The example frontend as its users get it: installed from its lock, built, and served in front of a real gateway."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import processes
from tests.commands.process import address, started_for
from tests.console.conftest import browser
from tests.meta.tree import ROOT
from tests.node import projects

__all__ = ["browser"]

# Of the servers of one module, in seconds.
LIMIT = 400.0


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that is built, with the graph and the operations where the example looks for them."""
    root = tmp_path_factory.mktemp("clone")
    for folder in ("schema", "queries"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    project = projects.installed(projects.FRONTEND, root / "examples")
    for made in ("dist", "src/gql"):
        shutil.rmtree(project / made, ignore_errors=True)
    projects.task(project, "build")
    return project


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it answers."""
    folder = tmp_path_factory.mktemp("gateway")
    with started_for(LIMIT, "serve", GATEWAY_DATA_DIR=str(folder)) as (announcement, _):
        yield address(announcement)


@pytest.fixture(scope="module")
def page_url(project: Path, gateway: str) -> Iterator[str]:
    """Of the built page."""
    with vite(project, "preview", HIGHLIGHTS_URL=gateway) as url:
        yield url


@contextmanager
def vite(project: Path, command: str, **given: str) -> Iterator[str]:
    """Where Vite serves the page, and hands on what the gateway is asked. It is killed after `LIMIT` seconds."""
    arguments = [command, "--host", "127.0.0.1", "--port", "0"]
    words = [projects.program("node"), "node_modules/vite/bin/vite.js", *arguments]
    environ = {**projects.environment(), "NO_COLOR": "1", **given}
    with processes.started(words, seconds=LIMIT, cwd=project, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
        yield next(match[0] for match in found if match)

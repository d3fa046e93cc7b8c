"""The example frontend as its users get it: installed from its lock, built, and served in front of a real gateway."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.composition.app import create_app
from gateway.settings import Settings
from tests import processes
from tests.fakes.durable import VolatileDurable
from tests.fakes.served import served
from tests.node import projects

# Of the servers of one module, in seconds.
LIMIT = 400.0


@pytest.fixture(scope="session")
def project() -> Path:
    return projects.example()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it answers."""
    with gateway_of(Settings(data_dir=tmp_path_factory.mktemp("gateway"))) as url:
        yield url


def gateway_of(settings: Settings) -> AbstractContextManager[str]:
    """Without the engine of the flows, of which a process has one: other tests may run beside it."""
    return served(lambda url: create_app(settings, base_url=url, durable=VolatileDurable(SystemClock())))


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

"""A real gateway with its console."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hatch_build
from gateway.console import PAGE, built
from tests.commands.process import address, environment, launched, started_for
from tests.fakes import wheel
from tests.node import projects

# Of a gateway's life, in seconds: tests of other modules may come between those that ask it.
LIMIT = 1_800.0


@pytest.fixture(scope="session")
def console() -> None:
    """Built, if it is not built already. Skips where it is not, and there is no npm."""
    if not hatch_build.is_current():
        projects.program("npm")
    projects.build_console()
    assert built(PAGE) is not None


@pytest.fixture(scope="session")
def installed(console: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that finds the gateway as its wheel installs it, not this tree."""
    site = tmp_path_factory.mktemp("site")
    wheel.built(tmp_path_factory.mktemp("wheel")).extractall(site)
    # Unmeasured: a second copy of the package would count as not covered.
    unmeasured = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    found = {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", **unmeasured}
    where = [sys.executable, "-c", "import gateway; print(gateway.__file__)"]
    told = subprocess.run(where, env=environment(found), check=True, capture_output=True, text=True, timeout=LIMIT)
    assert told.stdout.startswith(str(site))
    return found


@pytest.fixture(scope="session")
def served(installed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the installed gateway answers: for tests that do not mind what others have bought."""
    given = {"GATEWAY_DATA_DIR": str(tmp_path_factory.mktemp("gateway")), **installed}
    with launched(LIMIT, "serve", **given) as (announcement, _):
        yield address(announcement)


@pytest.fixture(scope="module")
def unasked(console: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a gateway answers that has bought nothing yet: for tests that state prices, each of other users."""
    with serving(tmp_path_factory.mktemp("unasked")) as url:
        yield url


@contextmanager
def serving(folder: Path, **given: str) -> Iterator[str]:
    """Where a gateway of this tree answers."""
    with started_for(LIMIT, "serve", GATEWAY_DATA_DIR=str(folder), **given) as (announcement, _):
        yield address(announcement)

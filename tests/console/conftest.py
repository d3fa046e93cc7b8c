"""A real gateway, and Debian's Chromium in front of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

import hatch_build
from gateway.console import PAGE, built
from tests.commands.process import address, environment, launched
from tests.fakes import wheel
from tests.node import projects

# Of the gateway of one module, in seconds.
LIMIT = 1_200.0
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


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


@pytest.fixture(scope="module")
def served(installed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a gateway answers: for tests that do not mind what others have bought."""
    with serving(tmp_path_factory.mktemp("gateway"), installed) as url:
        yield url


@pytest.fixture
def unasked(installed: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Where a gateway answers that has bought nothing yet: for tests that state prices."""
    with serving(tmp_path, installed) as url:
        yield url


@contextmanager
def serving(folder: Path, installed: dict[str, str], **given: str) -> Iterator[str]:
    """Where the gateway of that environment answers."""
    given = {"GATEWAY_DATA_DIR": str(folder), **installed, **given}
    with launched(LIMIT, "serve", **given) as (announcement, _):
        yield address(announcement)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is needed: `apt-get install chromium fonts-liberation`")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=str(Path(program)), args=list(SWITCHES))
        yield launched
        await launched.close()

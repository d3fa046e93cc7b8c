"""A real gateway, and Debian's Chromium in front of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

import hatch_build
from gateway.console import PAGE, built
from tests.commands.process import address, started_for

# Of the gateway of one module, in seconds.
LIMIT = 400.0
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
    """Built, if it is not built already."""
    try:
        hatch_build.build()
    except hatch_build.CannotBuild as problem:
        pytest.skip(f"There is no console: {problem}")
    assert built(PAGE) is not None


@pytest.fixture(scope="module")
def served(console: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a gateway answers."""
    folder = tmp_path_factory.mktemp("gateway")
    with started_for(LIMIT, "serve", GATEWAY_DATA_DIR=str(folder)) as (announcement, _):
        yield address(announcement)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is needed: `apt-get install chromium`")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=str(Path(program)), args=list(SWITCHES))
        yield launched
        await launched.close()

"""Flows run in virtual time, over an upstream in memory and an engine that can be crashed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.fakes.clock import VirtualLoop
from tests.publishing.harness import House


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        yield house

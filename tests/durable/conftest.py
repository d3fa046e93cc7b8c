from __future__ import annotations

import asyncio

import pytest
from pytest_asyncio.plugin import LoopFactory

from tests.durable.harness import World
from tests.fakes.clock import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, LoopFactory]:
    if item.path.name in ("test_volatile.py", "test_lease_renewal.py"):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def world() -> World:
    return World()

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.fakes.clock import VirtualLoop
from tests.sandbox.publishing.platform_client import Press


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time where something happens by itself; elsewhere the clock is moved by hand."""
    return {"virtual": VirtualLoop} if item.path.name == "test_webhooks.py" else {"plain": asyncio.new_event_loop}


@pytest.fixture
def press(client: httpx.AsyncClient) -> Press:
    return Press(client)

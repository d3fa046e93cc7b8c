from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakes.clock import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time: retries are not waited for."""
    return {"virtual": VirtualLoop}

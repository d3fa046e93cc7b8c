from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakes.clock import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time, but for modules that name another LOOP, because they talk over sockets."""
    module = item.getparent(pytest.Module)
    return {"loop": getattr(module and module.obj, "LOOP", VirtualLoop)}

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.clock import VirtualLoop
from tests.tracing.recorder import undocumented, unended


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time, but for modules that name another LOOP, because they talk over sockets or run flows."""
    module = item.getparent(pytest.Module)
    return {"loop": getattr(module and module.obj, "LOOP", VirtualLoop)}


@pytest.fixture(autouse=True)
def documented_and_ended() -> Iterator[None]:
    """Whatever a test traces has attributes that the document gives to such spans, and ends."""
    yield
    found, left = list(undocumented), list(unended.values())
    undocumented.clear()
    unended.clear()
    assert (found, left) == ([], [])

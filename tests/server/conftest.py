"""The protocols are tested on a loop whose time is virtual, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.server.listening import Listening, PatientLoop, listening

Loops = dict[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    return {"patient": PatientLoop} if item.path.name.endswith("_protocol.py") else {"plain": asyncio.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[Listening]:
    async with listening() as one:
        yield one

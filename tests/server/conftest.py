"""The protocols are tested on a loop whose time is virtual, over real sockets, but for TLS: that is uvloop's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.server.loop import Loop
from tests.server.listening import Listening, PatientLoop, listening

Loops = dict[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    if item.path.name.endswith("_protocol.py"):
        return {"patient": PatientLoop}
    return {"served": Loop} if item.path.name.endswith("_tls.py") else {"plain": asyncio.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[Listening]:
    async with listening() as one:
        yield one

"""The implementation that flow logic is tested with keeps the same contract as the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from gateway.durable.port import Durable
from gateway.events import Event
from tests.durable.contract import Bodies
from tests.durable.contract_of_flows import Flows
from tests.durable.harness import Lives
from tests.fakes.clock import VirtualClock
from tests.fakes.durable import VolatileDurable


@pytest.fixture
async def lives() -> AsyncIterator[Lives]:
    clock = VirtualClock()
    engines: list[VolatileDurable] = []

    def make(hook: Callable[[Event], None]) -> Durable:
        if not engines:
            engines.append(VolatileDurable(clock, hook))
        return engines[0]

    lives = Lives(make, clock)
    yield lives
    await lives.end()


class TestVolatileBodies(Bodies):
    pass


class TestVolatileFlows(Flows):
    pass

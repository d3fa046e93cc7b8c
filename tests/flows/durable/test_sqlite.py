"""The engine over a SQLite file."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.events import Hook
from gateway.flows.durable import Durable
from gateway.flows.engine import DbosDurable
from tests.flows.durable.contract import Bodies
from tests.flows.durable.contract_of_flows import Flows
from tests.flows.durable.stage import Lives

WEEK = 7 * 86_400.0


@pytest.fixture
async def lives(tmp_path: Path) -> AsyncIterator[Lives]:
    clock = SystemClock()

    def make(hook: Hook) -> Durable:
        url = f"sqlite:///{tmp_path}/flows.sqlite3"
        return DbosDurable(url, tmp_path, clock=clock, hook=hook, dice=random.Random(1), retention=WEEK)

    lives = Lives(make, clock)
    yield lives
    await lives.end()


class TestSqliteBodies(Bodies):
    pass


class TestSqliteFlows(Flows):
    pass

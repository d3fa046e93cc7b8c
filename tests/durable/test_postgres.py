"""The engine over PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Durable
from gateway.events import Hook
from tests.durable.contract import Bodies
from tests.durable.contract_of_flows import Flows
from tests.durable.harness import Lives
from tests.durable.postgres import Cluster

WEEK = 7 * 86_400.0


@pytest.fixture
async def lives(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Lives]:
    clock = SystemClock()
    url = postgres.create()

    def make(hook: Hook) -> Durable:
        return DbosDurable(url, tmp_path, clock=clock, hook=hook, dice=random.Random(1), retention=WEEK)

    lives = Lives(make, clock)
    yield lives
    await lives.end()


class TestPostgresBodies(Bodies):
    pass


class TestPostgresFlows(Flows):
    pass

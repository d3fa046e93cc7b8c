"""The engine over PostgreSQL."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Durable
from gateway.events import Hook, ignore
from tests.durable.contract import Bodies
from tests.durable.contract_of_flows import Flows
from tests.durable.harness import Lives
from tests.durable.postgres import Cluster

WEEK = 7 * 86_400.0


def engine_on(url: str, folder: Path, hook: Hook = ignore) -> DbosDurable:
    return DbosDurable(url, folder, clock=SystemClock(), hook=hook, dice=random.Random(1), retention=WEEK)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database in which an engine has made its tables, which takes longer than to copy them; and its key."""

    url: str
    folder: Path


@pytest.fixture(scope="module")
def prepared(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    made = Prepared(postgres.create(), tmp_path_factory.mktemp("prepared"))

    async def launch() -> None:
        durable = engine_on(made.url, made.folder)
        await durable.launch()
        await durable.aclose()

    asyncio.run(launch())
    return made


@pytest.fixture
async def lives(postgres: Cluster, prepared: Prepared, tmp_path: Path) -> AsyncIterator[Lives]:
    url = postgres.create(prepared.url)
    shutil.copytree(prepared.folder, tmp_path, dirs_exist_ok=True)

    def make(hook: Hook) -> Durable:
        return engine_on(url, tmp_path, hook)

    lives = Lives(make, SystemClock())
    yield lives
    await lives.end()


class TestPostgresBodies(Bodies):
    pass


class TestPostgresFlows(Flows):
    pass

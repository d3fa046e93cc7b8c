"""The engine over a SQLite file."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.events import Hook, ignore
from gateway.flows.database import close, engine
from gateway.flows.durable import Durable
from gateway.flows.engine import DbosDurable
from tests.flows.durable.contract import Bodies
from tests.flows.durable.contract_of_flows import Flows
from tests.flows.durable.stage import Lives

WEEK = 7 * 86_400.0
DESCRIPTORS = Path("/proc/self/fd")


def engine_in(folder: Path, hook: Hook = ignore) -> DbosDurable:
    url = f"sqlite:///{folder}/flows.sqlite3"
    return DbosDurable(url, folder, clock=SystemClock(), hook=hook, dice=random.Random(1), retention=WEEK)


def open_files(folder: Path) -> list[str]:
    """What this process has open in the folder."""
    links = (DESCRIPTORS / name for name in os.listdir(DESCRIPTORS))
    targets = (os.readlink(link) for link in links if link.is_symlink())
    return [target for target in targets if target.startswith(str(folder))]


@pytest.fixture
async def lives(tmp_path: Path) -> AsyncIterator[Lives]:
    def make(hook: Hook) -> Durable:
        return engine_in(tmp_path, hook)

    lives = Lives(make, SystemClock())
    yield lives
    await lives.end()


class TestSqliteBodies(Bodies):
    pass


class TestSqliteFlows(Flows):
    pass


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="/proc is needed to see open files: run it on Linux")
@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.3])
async def test_an_engine_that_is_closed_while_it_opens_leaves_no_file_open(tmp_path: Path, seconds: float) -> None:
    """Neither a connection, nor the lock of its slot: its threads may be at any point."""
    durable = engine_in(tmp_path)
    with closing(sqlite3.connect(tmp_path / "flows.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        launching = asyncio.create_task(durable.launch())
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")
    await durable.aclose()
    launching.cancel()
    await asyncio.gather(launching, return_exceptions=True)
    assert open_files(tmp_path) == []


def test_a_connection_in_use_is_closed_when_it_is_returned(tmp_path: Path) -> None:
    """A thread of the engine may still be at it when its pool is closed."""
    made = engine(f"sqlite:///{tmp_path}/flows.sqlite3", patience=1.0)
    with made.connect() as in_use:
        in_use.exec_driver_sql("SELECT 1")
        close(made)
        in_use.exec_driver_sql("SELECT 1")
    assert open_files(tmp_path) == []

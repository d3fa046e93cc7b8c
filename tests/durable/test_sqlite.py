"""The engine over a SQLite file."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from gateway.clock import SystemClock
from gateway.durable.database import close, engine
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Durable, Json, Run, Status
from gateway.errors import FlowsUnavailable
from gateway.events import Hook, ignore
from tests.durable.contract import Bodies
from tests.durable.contract_of_flows import Flows
from tests.durable.harness import ID, Lives, World, ended, until, wait_for

MANY = 100
WEEK = 7 * 86_400.0
DESCRIPTORS = Path("/proc/self/fd")


def engine_in(folder: Path, hook: Hook = ignore) -> DbosDurable:
    url = f"sqlite:///{folder}/flows.sqlite3"
    return DbosDurable(url, folder, clock=SystemClock(), hook=hook, dice=random.Random(1), retention=WEEK)


async def waits(run: Run, input: Json) -> Json:
    return None


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


async def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    durable = engine_in(tmp_path / "data")
    await durable.launch()
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "data", *(tmp_path / "data").rglob("*"))}
    await durable.aclose()
    assert {"flows.sqlite3", "flows.sqlite3-wal", "flows.sqlite3-shm", "flows.key", "host"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode & 0o077} == set()


async def test_flows_are_not_written_to_a_file_that_was_deleted(tmp_path: Path) -> None:
    """Else nothing of them is left when the process ends, and the same key would begin them once more."""
    path, away = tmp_path / "flows.sqlite3", tmp_path / "away"
    durable = engine_in(tmp_path)
    durable.define("wait", waits)
    await durable.launch()
    path.rename(away)
    with pytest.raises(FlowsUnavailable, match="deleted or replaced"):
        await durable.start("wait", "lost", None)
    shutil.copy(away, path)
    with pytest.raises(FlowsUnavailable, match="deleted or replaced"):
        await durable.start("wait", "lost", None)
    await durable.aclose()
    away.replace(path)
    again = engine_in(tmp_path)
    again.define("wait", waits)
    await again.launch()
    assert (await again.start("wait", "kept", None)).id == "kept"
    await again.aclose()


def test_a_connection_in_use_is_closed_when_it_is_returned(tmp_path: Path) -> None:
    """A thread of the engine may still be at it when its pool is closed."""
    made = engine(f"sqlite:///{tmp_path}/flows.sqlite3", patience=1.0)
    with made.connect() as in_use:
        in_use.exec_driver_sql("SELECT 1")
        close(made)
        in_use.exec_driver_sql("SELECT 1")
    assert open_files(tmp_path) == []


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database, by whichever engine."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("by", ["watch", "wait"])
async def test_all_who_watch_a_flow_are_one_look_at_the_store(lives: Lives, world: World, by: str) -> None:
    """A client may watch one flow a hundred thousand times: everybody's flows go through the same few threads."""
    gate = world.gate("first")

    async def body(run: Run, input: Json) -> Json:
        await run.step(world.step("first"))
        return None

    durable = await lives.begin(body)

    async def watched() -> Status:
        return [record.status async for record in durable.watch(ID)][-1]

    async def waited() -> Status:
        return (await ended(durable)).status

    await durable.start("body", ID, None)
    await until(world.reached["first"])
    with statements() as asked:
        watchers = [asyncio.create_task(watched() if by == "watch" else waited()) for _ in range(MANY)]
        await wait_for(durable, lambda record: record.status is Status.RUNNING)
        looks = len(asked)
        gate.set()
        assert set(await asyncio.gather(*watchers)) == {Status.DONE}
    assert looks < MANY
    assert len(asked) < 2 * MANY  # of which the end of the flow itself is some


async def test_where_the_store_is_gone_all_who_watch_are_told(lives: Lives, world: World, tmp_path: Path) -> None:
    world.gate("first")

    async def body(run: Run, input: Json) -> Json:
        await run.step(world.step("first"))
        return None

    durable = await lives.begin(body)
    await durable.start("body", ID, None)
    await until(world.reached["first"])
    watching = [aiter(durable.watch(ID)) for _ in range(3)]
    assert {(await anext(records)).status for records in watching} == {Status.RUNNING}
    (tmp_path / "flows.sqlite3").rename(tmp_path / "elsewhere")
    for records in watching:
        with pytest.raises(FlowsUnavailable):
            [record async for record in records]

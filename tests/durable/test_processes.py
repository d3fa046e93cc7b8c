"""Processes that die, over SQLite and over PostgreSQL: each test is named after the failure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.durable.port import Durable, Status, StepState
from tests.durable.harness import SOON, ended, wait_for
from tests.durable.postgres import Cluster
from tests.durable.worker import body_in, engine
from tests.durable.worker_processes import Crew, crew

ID = "web:1"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/flows.sqlite3"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Crew]:
    with crew(url, tmp_path) as made:
        yield made


@asynccontextmanager
async def here(url: str, folder: Path) -> AsyncIterator[Durable]:
    """An engine in this process, beside the workers."""
    durable = engine(url, folder)
    durable.define("body", body_in(folder))
    await durable.launch()
    try:
        yield durable
    finally:
        await durable.aclose()


async def test_a_process_that_ends_hands_its_flow_over_after_the_step_in_progress(
    workers: Crew, url: str, tmp_path: Path
) -> None:
    """Another one goes on while this one still lives."""
    workers.hold("second")
    async with here(url, tmp_path) as durable:
        await durable.start("body", ID, "x")
        await asyncio.to_thread(workers.until, "first", "second")
        heir = await asyncio.to_thread(workers.ready)
        leaving = asyncio.create_task(durable.hand_over())
        await asyncio.sleep(0.1)
        workers.release("second")
        await leaving
        assert await asyncio.to_thread(workers.until, "first", "second", "third") < SOON
        record = await wait_for(durable, lambda record: record.status.is_final)
        assert record.output == ["first", "second", "third"]
    assert [pid for _, _, pid in workers.effects()] == [os.getpid(), os.getpid(), heir.pid]


async def test_kill_9_after_the_upstream_accepted(workers: Crew, url: str, tmp_path: Path) -> None:
    workers.hold("second")
    victim = workers.ready()
    victim.tell(f"start {ID} x")
    workers.until("first", "second")
    victim.kill()
    workers.release("second")
    async with here(url, tmp_path) as durable:
        record = await ended(durable, ID)
    assert (record.status, record.output) == (Status.DONE, ["first", "second", "third"])
    assert [step for _, step, _ in workers.effects()] == ["first", "second", "second", "third"]


async def test_kill_9_within_an_attempt_does_not_hide_it(workers: Crew, url: str, tmp_path: Path) -> None:
    """Where an effect cannot be made only once, the receipt must tell how often it may have been made."""
    workers.hold("first")
    victim = workers.ready()
    victim.tell(f"start {ID} x")
    workers.until("first")
    victim.kill()
    victim = workers.ready()
    workers.until("first", "first")
    victim.kill()
    workers.release("first")
    async with here(url, tmp_path) as durable:
        record = await ended(durable, ID)
    assert [step.attempts for step in record.steps] == [3, 1, 1]


def test_kill_9_between_the_answer_and_the_first_step_loses_nothing(workers: Crew) -> None:
    """Accepted is accepted: what DBOS had not heard of yet is found by the next that looks."""
    victim = workers.ready()
    victim.tell(f"start {ID} x")
    assert victim.says() == "RUNNING"
    victim.kill()
    workers.ready()
    workers.wait(lambda effects: bool(effects) and effects[-1][1] == "third")


def test_a_dead_siblings_work_is_taken_over_and_a_live_ones_is_left_alone(workers: Crew) -> None:
    workers.hold("second")
    crowd = {flow: workers.ready() for flow in ("web:live", "web:dead")}
    for flow, worker in crowd.items():
        worker.tell(f"start {flow} x")
    workers.wait(lambda effects: len(effects) == 4)
    heirs = {workers.ready().pid, crowd["web:live"].pid}
    crowd["web:dead"].kill()
    seconds = workers.wait(lambda effects: effects[-1] in {("web:dead", "second", pid) for pid in heirs})
    assert seconds < 10.0
    workers.release("second")
    workers.wait(lambda effects: {flow for flow, step, _ in effects if step == "third"} == crowd.keys())
    assert {pid for flow, _, pid in workers.effects() if flow == "web:live"} == {crowd["web:live"].pid}


def test_an_edited_body_does_not_strand_what_is_under_way(workers: Crew) -> None:
    workers.hold("second")
    old = workers.ready()
    old.tell(f"start {ID} x")
    workers.until("first", "second")
    old.kill()
    workers.release("second")
    workers.ready("edited")
    workers.until("first", "second", "second", "third")


def test_processes_that_start_at_once_agree_on_tables_key_and_slots(workers: Crew) -> None:
    crowd = [workers.begin() for _ in range(3)]
    assert [worker.says() for worker in crowd] == ["ready"] * 3
    for number, worker in enumerate(crowd):
        worker.tell(f"start web:{number} x")
    assert [worker.says() for worker in crowd] == ["RUNNING"] * 3
    workers.wait(lambda effects: len(effects) == 9)
    assert {(flow, pid) for flow, _, pid in workers.effects()} == {
        (f"web:{number}", worker.pid) for number, worker in enumerate(crowd)
    }


def test_a_key_used_with_other_input_from_two_processes_at_once(workers: Crew) -> None:
    one, other = workers.ready(), workers.ready()
    one.tell(f"start {ID} x")
    other.tell(f"start {ID} y")
    assert {one.says(), other.says()} == {"RUNNING", "IDEMPOTENCY_KEY_REUSED"}
    workers.until("first", "second", "third")


def test_a_key_resent_to_two_processes_at_once(workers: Crew) -> None:
    one, other = workers.ready(), workers.ready()
    one.tell(f"start {ID} x")
    other.tell(f"start {ID} x")
    assert {one.says(), other.says()} <= {"RUNNING", "DONE"}
    workers.until("first", "second", "third")


async def test_a_flow_that_runs_elsewhere_is_watched_cancelled_and_retried_from_here(
    workers: Crew, url: str, tmp_path: Path
) -> None:
    workers.hold("second")
    elsewhere = await asyncio.to_thread(workers.ready)
    elsewhere.tell(f"start {ID} x")
    await asyncio.to_thread(workers.until, "first", "second")
    async with here(url, tmp_path) as durable:
        async for record in durable.watch(ID):
            if [step.state for step in record.steps] == [StepState.DONE, StepState.RUNNING]:
                break
        cancelled = await durable.cancel(ID)
        assert cancelled is not None
        assert cancelled.status is Status.CANCELLED
        workers.release("second")
        assert [record.status async for record in durable.watch(ID)][-1] is Status.CANCELLED
        await durable.retry(ID)
        record = await ended(durable, ID)
    assert (record.status, record.output) == (Status.DONE, ["first", "second", "third"])
    assert [step for _, step, _ in workers.effects()] == ["first", "second", "third"]

"""`flows`, as its own process, beside an engine that runs."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Json, Run, Status
from gateway.events import ignore
from tests.commands.process import run as run_command
from tests.durable.harness import ID, SOON, World, ended, refused, until

MARK = "MARKER-4711"


class Shell:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def flows(self, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            partial(run_command, "flows", *arguments, GATEWAY_DATA_DIR=str(self._folder), **given)
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
async def durable(tmp_path: Path, world: World) -> AsyncIterator[DbosDurable]:
    async def body(run: Run, input: Json) -> Json:
        return [await run.step(world.step(name, medium, input)) for medium, name in enumerate(("first", "second"))]

    url = f"sqlite:///{tmp_path}/flows.sqlite3"
    engine = DbosDurable(url, tmp_path, clock=SystemClock(), hook=ignore, dice=random.Random(1), retention=60.0)
    engine.define("body", body)
    await engine.launch()
    yield engine
    await engine.aclose()


async def test_a_failed_flow_is_found_shown_and_retried(shell: Shell, durable: DbosDurable, world: World) -> None:
    world.failures["second 1"] = [refused()]
    await durable.start("body", ID, MARK)
    await ended(durable)
    listed = (await shell.flows("list", "--status", "FAILED")).stdout
    assert [line.split()[:3] for line in listed.splitlines()[1:]] == [[ID, "body", "FAILED"]]
    assert listed.splitlines()[1].split()[-2:] == ["MEDIUM_REFUSED", "1/2"]
    shown = (await shell.flows("show", ID)).stdout
    assert "error   MEDIUM_REFUSED: The image is too large." in shown
    assert [line.split()[:3] for line in shown.splitlines()[-2:]] == [["first", "0", "DONE"], ["second", "1", "FAILED"]]
    assert MARK not in listed + shown
    retried = await shell.flows("retry", ID)
    assert (retried.stdout, retried.stderr) == (f"The flow {ID} is RUNNING now.\n", "")
    assert (await ended(durable)).status is Status.DONE
    assert world.done == {"first 0": 1, "second 1": 2}
    again = await shell.flows("retry", ID)
    assert (again.returncode, again.stderr) == (1, f"The flow {ID} is DONE.\n")


async def test_a_running_flow_is_cancelled(shell: Shell, durable: DbosDurable, world: World) -> None:
    gate = world.gate("first 0")
    await durable.start("body", ID, None)
    await until(world.reached["first 0"])
    assert (await shell.flows("cancel", ID)).returncode == 0
    gate.set()
    assert (await ended(durable)).status is Status.CANCELLED
    assert (await shell.flows("list", "--status", "RUNNING")).stdout.count("\n") == 1
    assert world.done == {"first 0": 1}


async def test_old_flows_are_forgotten(shell: Shell, durable: DbosDurable) -> None:
    await durable.start("body", ID, None)
    await ended(durable)
    assert (await shell.flows("prune")).stdout == "Forgot 0 flows.\n"
    forgotten = ""
    async with asyncio.timeout(SOON):  # it may have ended a moment before its engine knows
        while forgotten != "Forgot 1 flows.\n":
            forgotten = (await shell.flows("prune", "--older-than", "0")).stdout
            assert forgotten in ("Forgot 0 flows.\n", "Forgot 1 flows.\n")
    assert (await shell.flows("list")).stdout.count("\n") == 1


async def test_what_is_not_there_is_said(shell: Shell, durable: DbosDurable, tmp_path: Path) -> None:
    done = await shell.flows("show", ID)
    assert (done.returncode, done.stderr) == (1, f"There is no flow {ID}.\n")
    nowhere = await asyncio.to_thread(run_command, "flows", "list", GATEWAY_DATA_DIR=str(tmp_path / "nowhere"))
    assert nowhere.returncode == 1
    assert "There are no flows in" in nowhere.stderr
    assert not (tmp_path / "nowhere").exists()

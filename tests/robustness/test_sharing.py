"""Many who ask for the same at once, and those of them who go away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Hang, Latency
from gateway.settings import Settings
from tests.robustness.harness import Stage, codes_of, spent, staged

TRAY = f'{{ user(by: {{id: "{fixture_users.THIRTY.pk}"}}) {{ username highlights {{ totalCount }} }} }}'
ITEMS = f'{{ user(by: {{id: "{fixture_users.THIRTY.pk}"}}) {{ highlights {{ nodes {{ items {{ totalCount }} }} }} }} }}'


def figures(response: httpx.Response) -> dict[str, Any]:
    billing: dict[str, Any] = response.json()["extensions"]["billing"]
    return billing


async def many(stage: Stage, query: str, count: int) -> list[asyncio.Task[httpx.Response]]:
    """`count` identical requests, all on their way to the upstream."""
    tasks = [asyncio.create_task(stage.post(query)) for _ in range(count)]
    await asyncio.sleep(0.5)
    return tasks


async def test_fifty_identical_queries_make_one_call_and_one_of_them_pays(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Latency(seconds=1))
        responses = await asyncio.gather(*await many(stage, TRAY, 50))
        assert [response.json()["data"]["user"]["highlights"]["totalCount"] for response in responses] == [30] * 50
        assert (stage.calls, stage.sandbox.meter.total_billed) == (1, 2)
        assert sorted(figures(response)["charged"] for response in responses) == [0] * 49 + [2]
        assert sorted(figures(response)["savedBySharing"] for response in responses) == [0] + [2] * 49


@pytest.mark.parametrize("gone", [[0], list(range(25)), list(range(1, 50)), list(range(49))])
async def test_who_goes_away_harms_nobody_who_shares_the_call(gone: list[int], tmp_path: Path) -> None:
    """Also the one who made the call and pays it."""
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Latency(seconds=1))
        tasks = await many(stage, TRAY, 50)
        for index in gone:
            tasks[index].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        stayed = [answer for index, answer in enumerate(answers) if index not in gone]
        for answer in stayed:
            assert isinstance(answer, httpx.Response)
            assert answer.json()["data"]["user"]["highlights"]["totalCount"] == 30
        assert (stage.calls, stage.sandbox.meter.total_billed) == (1, 2)


async def test_what_nobody_waits_for_any_more_is_kept_because_it_is_paid(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Latency(seconds=1))
        (task,) = await many(stage, TRAY, 1)
        task.cancel()
        await asyncio.sleep(2)
        response = await stage.post(TRAY)
        assert response.json()["data"]["user"]["highlights"]["totalCount"] == 30
        assert figures(response)["charged"] == 0
        assert stage.calls == 1


async def test_who_goes_away_in_the_middle_buys_nothing_more(tmp_path: Path) -> None:
    """The tray was on its way; the thirty highlights behind it are not bought."""
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Latency(seconds=1))
        (task,) = await many(stage, ITEMS, 1)
        task.cancel()
        await asyncio.sleep(30)
        assert stage.calls == 1


async def test_a_call_that_fails_fails_for_all_who_share_it_and_for_nobody_after_them(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Hang(endpoint="/v1/user/highlights", times=1))
        responses = await asyncio.gather(*await many(stage, TRAY, 20))
        assert {tuple(codes_of(response.json())) for response in responses} == {("UPSTREAM_TIMEOUT",)}
        assert codes_of((await stage.post(TRAY)).json()) == []
        assert stage.sandbox.meter.calls["/v1/user/highlights"] == 2


async def test_what_is_in_flight_at_the_end_is_settled(tmp_path: Path) -> None:
    """A call that hangs does not hold the end up, and counts as paid, because it may be."""
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Hang())
        (task,) = await many(stage, TRAY, 1)
        task.cancel()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    assert spent(tmp_path) == {"tray": 2}


async def test_what_lands_in_time_at_the_end_is_settled_at_its_real_price(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Latency(seconds=1))
        (task,) = await many(stage, TRAY, 1)
        task.cancel()
    assert stage.sandbox.meter.total_billed == 2
    assert spent(tmp_path) == {"tray": 2}

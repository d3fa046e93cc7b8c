"""Several operations in one request: off unless switched on, and then each is on its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.operations.limits import LIMITS
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, Terms, details, key_of, running_gateway

USER = {"query": "{ user(by: { id: 787132 }) { biography } }"}
TRAY = {"query": "{ user(by: { id: 787132 }) { highlights { totalCount } } }"}
CLIENTS = {"web": Terms(allowance={"day": 10}), "poor": Terms(ceiling=0)}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    settings = Settings(batch_limit=5)
    async with running_gateway(tmp_path, settings=settings, clients=CLIENTS, all_heard=False) as running:
        yield running


async def ask(gateway: RunningGateway, *batch: Any, client: str = "web", **headers: str) -> httpx.Response:
    return await gateway.client.post("/graphql", json=batch, headers={"x-api-key": key_of(client), **headers})


async def test_each_operation_is_answered_in_its_place_with_its_own_bill(gateway: RunningGateway) -> None:
    response = await ask(gateway, USER, {"query": "{ nonsense }"}, TRAY)
    assert response.status_code == 200
    user, nonsense, tray = response.json()
    assert user["data"] == {"user": {"biography": ""}}
    assert nonsense["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in nonsense
    assert tray["data"]["user"]["highlights"]["totalCount"] == 3
    charged = [answer["extensions"]["billing"]["charged"] for answer in (user, tray)]
    assert charged == [1, 2]
    assert response.headers["x-billed-requests"] == str(sum(charged)) == str(gateway.billed)
    assert response.headers["x-billing-remaining"] == "7"


async def test_what_two_of_them_ask_is_bought_once(gateway: RunningGateway) -> None:
    response = await ask(gateway, USER, USER)
    assert [answer["data"] == response.json()[0]["data"] for answer in response.json()] == [True, True]
    assert gateway.billed == 1


async def test_a_ceiling_holds_for_each(gateway: RunningGateway) -> None:
    response = await ask(gateway, USER, {"query": "{ __typename }"}, client="poor")
    assert response.json()[0]["errors"][0]["extensions"]["code"] == "BUDGET_EXCEEDED"
    assert response.json()[1]["data"] == {"__typename": "Query"}


async def test_keys_are_counted_over_the_whole_batch(gateway: RunningGateway) -> None:
    """What is refused does not count: the last one fits beside the first."""
    query = "query A($k: [ID!]!) { highlights(ids: $k) { title } }"
    counts = LIMITS["keys"] - 1, 2, 1
    batch = [{"query": query, "variables": {"k": [str(at + 1) for at in range(count)]}} for count in counts]
    first, second, third = (await ask(gateway, *batch, client="poor")).json()
    assert first["errors"][0]["extensions"]["code"] == "BUDGET_EXCEEDED"
    assert details(second["errors"][0]) == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "keys",
        "most": LIMITS["keys"],
        "value": LIMITS["keys"] + 1,
    }
    assert third["errors"][0]["extensions"]["code"] == "BUDGET_EXCEEDED"


async def test_others_have_a_turn_before_each_operation(gateway: RunningGateway) -> None:
    """Each may take as long to parse and plan as one alone may."""
    one, five = [await _turns(gateway, [{"query": "{ __typename }"}] * count) for count in (1, 5)]
    assert five >= one + 4


async def _turns(gateway: RunningGateway, batch: list[Any]) -> int:
    """How often the event loop goes round while the batch is answered."""
    asking = asyncio.create_task(ask(gateway, *batch))
    turns = 0
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(asking.result().json()) == len(batch)
    return turns


async def test_who_is_not_known_is_refused_as_a_whole(gateway: RunningGateway) -> None:
    response = await ask(gateway, USER, client="stranger")
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("batch", [[], [USER] * 6, [USER, 1], [USER, None], [[USER]], [{"query": 7}]])
async def test_what_is_no_batch_is_refused_as_a_whole(gateway: RunningGateway, batch: list[Any]) -> None:
    response = await ask(gateway, *batch)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert gateway.billed == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ user(by: { id: 787132 }) { ... @defer { biography } } }", "NOT_ACCEPTABLE"),
        ("subscription { flow(id: 1) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_no_answer_of_a_batch_comes_in_parts(gateway: RunningGateway, query: str, code: str) -> None:
    response = await ask(gateway, {"query": query}, accept="multipart/mixed, text/event-stream, application/json")
    assert response.json()[0]["errors"][0]["extensions"]["code"] == code


async def test_they_are_off_by_default(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as plain:
        response = await plain.client.post("/graphql", json=[USER])
        assert response.status_code == 400

"""Data is bought ahead of the queries that need it, within the budget of the operator who asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Status
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import Answer, RunningGateway, Terms, running_gateway

LOOP = VirtualLoop
OPERATE = ("read", "operate")
CLIENTS = {"ops": Terms(rights=OPERATE), "web": Terms()}
NATGEO = '{ user(by: { username: "natgeo" }) { highlights { nodes { title } } } }'
THIRTY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { nodes { title } } } }"
ID = {"id": str(fixture_users.THIRTY.pk)}
WARM = """mutation Warm($input: WarmCacheInput!) {
  warmCache(input: $input) { charged operations { charged calls stale errors { path code message } } }
}"""


async def warm(gateway: RunningGateway, *operations: dict[str, Any], **more: Any) -> Answer:
    return await gateway.query(WARM, {"input": {"operations": list(operations), **more}}, client="ops")


def figures(answer: Answer) -> list[tuple[int, int, list[str]]]:
    """Charge, calls and codes of each operation."""
    assert answer.errors == []
    payload = answer.data["warmCache"]
    assert payload["charged"] == answer.charged == sum(one["charged"] for one in payload["operations"])
    return [(one["charged"], one["calls"], [error["code"] for error in one["errors"]]) for one in payload["operations"]]


async def test_what_was_warmed_costs_its_readers_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await warm(gateway, {"document": NATGEO}, {"document": THIRTY, "variables": ID})
        assert figures(answer) == [(3, 1, []), (2, 1, [])]
        assert answer.billing["charged"] == 5
        read = [await gateway.query(NATGEO, client="web"), await gateway.query(THIRTY, ID, client="web")]
        assert [(one.charged, one.billing["savedByCache"]) for one in read] == [(0, 3), (0, 2)]
        assert figures(await warm(gateway, {"document": NATGEO})) == [(0, 0, [])]


async def test_the_operator_pays(tmp_path: Path) -> None:
    """What it has left limits it, and nobody else's allowance is touched."""
    clients = {"ops": Terms(rights=OPERATE, allowance={"day": 4}), "web": Terms(allowance={"day": 4})}
    async with running_gateway(tmp_path, clients=clients) as gateway:
        answer = await warm(gateway, {"document": NATGEO}, {"document": THIRTY, "variables": ID})
        assert figures(answer) == [(3, 1, []), (0, 0, ["ALLOWANCE_EXCEEDED"])]
        assert answer.billing["allowance"]["remaining"] == 1
        assert (await gateway.query(NATGEO, client="web")).billing["allowance"]["remaining"] == 4


@pytest.mark.parametrize(("more", "headers"), [({"maxRequests": 2}, {}), ({}, {"x-billing-limit": "2"})])
async def test_no_more_is_spent_than_was_allowed(more: dict[str, int], headers: dict[str, str], tmp_path: Path) -> None:
    """An operation that is too dear does not end those after it."""
    operations = [
        {"document": NATGEO},
        {"document": THIRTY, "variables": ID},
        {"document": THIRTY, "variables": {"id": "1"}},
    ]
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        given = {"input": {"operations": operations, **more}}
        answer = await gateway.query(WARM, given, client="ops", headers=headers)
        assert figures(answer) == [(0, 0, ["BUDGET_EXCEEDED"]), (2, 1, []), (0, 0, ["BUDGET_EXCEEDED"])]
        assert answer.billing["budget"] == 2


async def test_more_is_not_spent_than_the_clients_ceiling_either(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients={"ops": Terms(rights=OPERATE, ceiling=2)}) as gateway:
        assert figures(await warm(gateway, {"document": NATGEO}, maxRequests=100)) == [(0, 0, ["BUDGET_EXCEEDED"])]


async def test_a_failure_is_told_with_its_place(tmp_path: Path) -> None:
    both = (
        '{ a: user(by: { username: "nobody.here" }) { biography } b: user(by: { username: "natgeo" }) { biography } }'
    )
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await warm(gateway, {"document": both})
        (operation,) = answer.data["warmCache"]["operations"]
        assert [(error["path"], error["code"]) for error in operation["errors"]] == [("a", "NOT_FOUND")]
        assert (await gateway.query(both, client="web")).charged == 0
        gateway.sandbox.faults.lay(Status(status=503))
        failed = await warm(gateway, {"document": THIRTY, "variables": ID})
        assert figures(failed) == [(0, 1, ["UPSTREAM_UNAVAILABLE"])]
        gateway.clock.advance(4_000)
        assert (await warm(gateway, {"document": both})).data["warmCache"]["operations"][0]["stale"] == 1


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ({"document": "{"}, "BAD_USER_INPUT", "document is invalid"),
        ({"document": "{ user(by: { id: 1 }) { nothing } }"}, "BAD_USER_INPUT", "document is invalid"),
        ({"document": THIRTY}, "BAD_USER_INPUT", "variables are invalid"),
        ({"document": THIRTY, "variables": [1]}, "BAD_USER_INPUT", "variables must be an object"),
        ({"document": NATGEO, "operationName": "Other"}, "BAD_USER_INPUT", "operationName must name"),
        ({"document": "{ allowance { client } }"}, "BAD_USER_INPUT", "document must be a query of data"),
        (
            {"document": 'mutation { cancelFlow(id: "1") { flow { id } } }'},
            "BAD_USER_INPUT",
            "document must be a query",
        ),
        ({"document": "0" * 64}, "BAD_USER_INPUT", "document is invalid"),
    ],
)
async def test_a_document_that_reads_nothing_is_refused(
    operation: dict[str, Any], code: str, message: str, tmp_path: Path
) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await warm(gateway, operation)
        assert figures(answer) == [(0, 0, [code])]
        (error,) = answer.data["warmCache"]["operations"][0]["errors"]
        assert error["message"].startswith(message)
        assert error["path"] is None


@pytest.mark.parametrize(
    ("operations", "more", "message"),
    [
        (0, {}, "input.operations must have 1 to 10 entries."),
        (11, {}, "input.operations must have 1 to 10 entries."),
        (1, {"maxRequests": -1}, "input.maxRequests must not be negative."),
    ],
)
async def test_inputs_have_bounds(operations: int, more: dict[str, int], message: str, tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await warm(gateway, *[{"document": NATGEO}] * operations, **more)
        assert (answer.errors, answer.charged) == ([("warmCache", "BAD_USER_INPUT")], 0)
        assert answer.body["errors"][0]["message"] == message


async def test_one_operation_warms_so_much_and_no_more(tmp_path: Path) -> None:
    twice = WARM.replace("  warmCache", "  again: warmCache(input: $input) { charged }  warmCache")
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await gateway.query(twice, {"input": {"operations": [{"document": NATGEO}]}}, client="ops")
        assert answer.errors == [("", "OPERATION_TOO_COMPLEX")]


async def test_a_client_without_the_right_buys_nothing_ahead(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        answer = await gateway.query(WARM, {"input": {"operations": [{"document": NATGEO}]}}, client="web")
        assert (answer.errors, answer.charged) == ([("", "FORBIDDEN")], 0)

"""Where a value has a default, null means it: clients send null for what nobody has filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, Undefined

from schema.build import build_schema
from tests.fakes.gateway import FlowingClock, RunningGateway, running_gateway

TRAY = "{ user(by: {id: 787132}) { highlights(first: %s) { nodes { items(first: %s) { totalCount } } } } }"
WITH_VARIABLES = "query Q($first: Int) " + TRAY % ("$first", "$first")
CREATE = """
mutation Create($key: ID!, $wait: Int, $error: OnMediaError, $quota: OnQuota) {
  createHighlight(input: {
    account: "787132", title: "Reef", idempotencyKey: $key, media: [{url: "https://images.example.com/a.jpg"}],
    cover: null, waitSeconds: $wait, onMediaError: $error, onQuota: $quota
  }) { flow { id } userErrors { code } }
}
"""
UPDATE = """
mutation Update($id: ID!, $add: [MediaInput!], $remove: [ID!], $wait: Int, $quota: OnQuota) {
  updateHighlight(input: {
    id: $id, title: "Reef", add: $add, remove: $remove, waitSeconds: $wait, onQuota: $quota
  }) { flow { id } userErrors { code message } }
}
"""
DELETE = """
mutation Delete($id: ID!, $wait: Int) { deleteHighlight(input: {id: $id, waitSeconds: $wait}) { userErrors { code } } }
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=FlowingClock()) as running:
        await running.knows_its_accounts()
        running.at_once()
        yield running


async def test_a_page_of_null_is_a_page_of_the_default(gateway: RunningGateway) -> None:
    whole = await gateway.query(TRAY % (100, 100))
    for answer in (
        await gateway.query(TRAY % ("null", "null")),
        await gateway.query(WITH_VARIABLES, {"first": None}),
        await gateway.query(WITH_VARIABLES),
        await gateway.query("{ flows(first: null) { nodes { id } } }"),
    ):
        assert (answer.status, answer.errors) == (200, [])
    assert (await gateway.query(TRAY % ("null", "null"))).data == whole.data


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (CREATE, {"key": "k", "wait": None, "error": None, "quota": None}),
        (UPDATE, {"id": "17983616051768088", "add": None, "remove": None, "wait": None, "quota": None}),
        (DELETE, {"id": "17983616051768088", "wait": None}),
    ],
)
async def test_an_input_of_null_is_that_of_the_default(
    gateway: RunningGateway, query: str, variables: dict[str, Any]
) -> None:
    answer = await gateway.query(query, variables)
    assert answer.errors == []
    (payload,) = answer.data.values()
    assert payload["userErrors"] == []


def test_no_input_with_a_default_refuses_null() -> None:
    refusing = []
    for name, type_ in build_schema().core.type_map.items():
        inputs: dict[str, Any] = {}
        if isinstance(type_, GraphQLInputObjectType):
            inputs = {f"{name}.{key}": field for key, field in type_.fields.items()}
        elif isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            inputs = {
                f"{name}.{key}({arg})": value
                for key, field in type_.fields.items()
                for arg, value in field.args.items()
            }
        refusing += [
            place
            for place, value in inputs.items()
            if isinstance(value.type, GraphQLNonNull) and value.default_value is not Undefined
        ]
    assert refusing == []

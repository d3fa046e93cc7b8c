"""`@oneOf` inputs are validated wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest

from schema.build import api_sdl
from tests.fakes.gateway import RunningGateway

FRAGMENT = "fragment F on Query { user(by: { id: $id }) { id } }"


@pytest.mark.parametrize(
    "document",
    [f"{FRAGMENT} query Q($id: ID!) {{ ...F }}", f"query Q($id: ID!) {{ ...F }} {FRAGMENT}"],
)
async def test_a_fragment_may_come_before_the_operation_whose_variables_it_uses(
    gateway: RunningGateway, document: str
) -> None:
    assert (await gateway.query(document, {"id": "787132"})).data == {"user": {"id": "787132"}}


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ('{ user(by: { id: "1", username: "x" }) { id } }', {}),
        ("{ user(by: {}) { id } }", {}),
        ("{ user(by: { id: null }) { id } }", {}),
        ("{ user(by: { id: $id }) { id } }", {}),
        ("query Q($id: ID) { user(by: { id: $id }) { id } }", {"id": "1"}),
        ("query Q($by: UserBy!) { user(by: $by) { id } }", {"by": {}}),
        ("query Q($by: UserBy!) { user(by: $by) { id } }", {"by": {"id": None}}),
        ("query Q($by: UserBy!) { user(by: $by) { id } }", {"by": {"id": "1", "username": "x"}}),
        ("query Q($by: UserBy!) { user(by: $by) { id } }", {"by": {"id": "1", "url": None}}),
    ],
)
async def test_anything_but_one_key_is_the_clients_mistake(
    gateway: RunningGateway, document: str, variables: dict[str, Any]
) -> None:
    answer = await gateway.query(document, variables)
    assert {code for _, code in answer.errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert answer.data is None


def test_clients_see_it_in_the_printed_schema() -> None:
    assert "input UserBy @oneOf {" in api_sdl()


@pytest.mark.parametrize("odd", [3, "User", [], {}, {"__typename": ["User"], "id": "1"}, {"__typename": "User"}])
async def test_an_odd_reference_is_an_error_in_its_own_place_only(gateway: RunningGateway, odd: Any) -> None:
    query = "query Q($all: [_Any!]!) { _entities(representations: $all) { ... on User { id } } }"
    answer = await gateway.query(query, {"all": [{"__typename": "User", "id": "787132"}, odd]})
    assert answer.data == {"_entities": [{"id": "787132"}, None]}
    assert answer.errors == [("_entities.1", "BAD_USER_INPUT")]

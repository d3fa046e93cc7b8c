"""References by which a router names entities: read like any id, and refused with what is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import RunningGateway, details, running_gateway

ENTITIES = """
query Entities($of: [_Any!]!) {
  _entities(representations: $of) { ... on User { id username } ... on Highlight { id title } }
}
"""

TYPES = "Hashtag, Highlight, Item, Location, Media, User"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


@pytest.mark.parametrize("id_", ["787132", 787132, 787132.0])
async def test_a_number_names_what_its_text_names(gateway: RunningGateway, id_: object) -> None:
    answer = await gateway.query(ENTITIES, {"of": [{"__typename": "User", "id": id_}]})
    assert answer.errors == []
    assert answer.data == {"_entities": [{"id": "787132", "username": "natgeo"}]}
    assert answer.charged == gateway.billed == 1


async def test_a_number_in_the_document_is_read_alike(gateway: RunningGateway) -> None:
    query = (
        '{ _entities(representations: [{__typename: "Highlight", id: 17983616051768088}]) { ... on Highlight { id } } }'
    )
    answer = await gateway.query(query)
    assert answer.data == {"_entities": [{"id": "highlight:17983616051768088"}]}


@pytest.mark.parametrize(
    ("reference", "field", "message"),
    [
        (7, "", " must be an object with `__typename` and `id`."),
        ({"id": "1"}, ".__typename", f".__typename must be one of {TYPES}."),
        ({"__typename": "Nope", "id": "1"}, ".__typename", f".__typename must be one of {TYPES}."),
        ({"__typename": "User"}, ".id", ".id must be the id of the User, a string or a whole number."),
        ({"__typename": "User", "id": None}, ".id", ".id must be the id of the User, a string or a whole number."),
        ({"__typename": "Item", "id": 1.5}, ".id", ".id must be the id of the Item, a string or a whole number."),
        ({"__typename": "Item", "id": True}, ".id", ".id must be the id of the Item, a string or a whole number."),
        ({"__typename": "User", "id": "natgeo"}, ".id", ".id must be the user's numeric id."),
        ({"__typename": "User", "id": int("9" * 400)}, ".id", ".id must be the user's numeric id."),
    ],
)
async def test_what_names_nothing_is_told_what_is_wanted_for_nothing(
    gateway: RunningGateway, reference: Any, field: str, message: str
) -> None:
    answer = await gateway.query(ENTITIES, {"of": [{"__typename": "User", "id": "787132"}, reference]})
    assert answer.data["_entities"][0] == {"id": "787132", "username": "natgeo"}
    (error,) = answer.body["errors"]
    assert error["message"] == "representations[1]" + message
    assert error["path"] == ["_entities", 1]
    assert details(error) == {"code": "BAD_USER_INPUT", "field": f"representations[1]{field}"}
    assert answer.charged == gateway.billed == 1

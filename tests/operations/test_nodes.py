"""`node` and `nodes`: the type by the form of the id, and what another form is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graphql import GraphQLInterfaceType

from gateway.reads.facts import ENTITY_TYPES, EntityType, entity_of_node
from schema.build import build_schema
from schema.entities import ENTITIES
from tests.fakes.gateway import RunningGateway, running_gateway

PRICE = """query ($document: String!, $variables: JSON) {
  price(document: $document, variables: $variables) { lower expected upper }
}"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
FORMS = (
    "`<number>` (User), `highlight:<number>` (Highlight), `<number>_<number>` (Item), `media:<number>` (Media), "
    "`hashtag:<name>` (Hashtag), `location:<number>` (Location)"
)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


def test_every_entity_is_a_node_and_its_id_has_a_form_of_its_own() -> None:
    core = build_schema().core
    interface = core.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert {type_.name for type_ in core.get_possible_types(interface)} == set(ENTITIES) == set(ENTITY_TYPES)
    assert len({entity.node_id for entity in EntityType}) == len(EntityType)


@pytest.mark.parametrize(
    "id_",
    [
        *("", " ", "#", "787132 ", "-1", "1.5", "٣", "highlight:", "highlight:a", "HIGHLIGHT:1", "media:1_2", "1_"),
        *("1_2_3", "natgeo", "post:1", "highlight:1\n", "1_" * 100_000),
    ],
)
async def test_an_id_of_no_type_is_a_mistake_that_costs_nothing(gateway: RunningGateway, id_: str) -> None:
    calls = gateway.calls
    answer = await gateway.query(NODE, {"id": id_})
    assert answer.data == {"node": None}
    (error,) = answer.body["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", "id")
    assert error["message"] == f"id must be the id of a node: {FORMS}."
    assert gateway.calls == calls


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("787132", "User"),
        ("highlight:18085475671830440", "Highlight"),
        ("3772053608293416704_75885841119", "Item"),
        ("media:3852994846373453376", "Media"),
    ],
)
async def test_a_node_has_the_id_by_which_it_was_found(gateway: RunningGateway, id_: str, name: str) -> None:
    assert entity_of_node(id_) is ENTITY_TYPES[name]
    answer = await gateway.query(NODE, {"id": id_})
    assert answer.data == {"node": {"__typename": name, "id": id_}}


async def test_the_same_object_by_its_own_field_is_bought_once(gateway: RunningGateway) -> None:
    """In one operation, and from the cache in the next."""
    fields = "id title items { totalCount }"
    both = f'{{ node(id: "highlight:18085475671830440") {{ ... on Highlight {{ {fields} }} }} same: highlight('
    answer = await gateway.query(f'{both}by: {{ id: "18085475671830440" }}) {{ {fields} }} }}')
    assert answer.data["node"] == answer.data["same"]
    assert answer.charged == 1
    again = await gateway.query(
        f'{{ nodes(ids: ["highlight:18085475671830440"]) {{ ... on Highlight {{ {fields} }} }} }}'
    )
    assert (again.data["nodes"], again.charged) == ([answer.data["same"]], 0)


async def test_without_a_fragment_for_its_type_a_node_costs_what_its_price_says(gateway: RunningGateway) -> None:
    """A user and a highlight are not asked for their id; an item and a post are: only an answer says that it exists."""
    item, post = "3772053608293416704_75885841119", "media:3852994846373453376"
    for id_, cost in (("787132", 0), ("highlight:18085475671830440", 0), (item, 1), (post, 1)):
        priced = await gateway.query(PRICE, {"document": NODE, "variables": {"id": id_}})
        assert priced.data["price"] == {"lower": cost, "expected": cost, "upper": cost}
        assert (await gateway.query(NODE, {"id": id_})).charged == cost


@pytest.mark.parametrize("fields", ["__typename", "id", "... on User { username }"])
async def test_what_exceeds_the_budget_is_refused_before_anything_is_spent(
    gateway: RunningGateway, fields: str
) -> None:
    """Also if of a post nothing but its id is selected."""
    ids = [f"media:385299484637345337{digit}" for digit in (5, 6, 7)]
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {fields} }} }}"
    answer = await gateway.query(document, {"ids": ids}, headers={"x-billing-limit": "2"})
    assert [code for _, code in answer.errors] == ["BUDGET_EXCEEDED"]
    assert answer.charged == 0

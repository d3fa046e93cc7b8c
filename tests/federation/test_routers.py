"""Behind a router: entities are asked for in batches both ways, errors keep their place, and the bill arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.federation.conftest import HERE, THERE, Supergraph, apollo, gateway, hive, moved

ROUTERS = {"apollo": (apollo, "apollo"), "hive": (hive, "guild")}


@pytest.fixture(scope="module", params=sorted(ROUTERS))
def supergraph(
    request: pytest.FixtureRequest,
    routers: Path,
    upstream: str,
    brands: str,
    compose: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Supergraph]:
    """Each router with the supergraph of the composer that is made for it, before a gateway of its own."""
    router, composer = ROUTERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with gateway(upstream, folder) as highlights:
        supergraph = folder / "supergraph.graphql"
        supergraph.write_text(moved(compose(composer), {HERE: highlights, THERE: brands}))
        with router(routers, supergraph) as url:
            yield Supergraph(url, upstream)


def test_from_a_brand_to_the_users_and_highlights_of_the_gateway(supergraph: Supergraph) -> None:
    """Three highlights by reference, each in the tray of its owner: one call for the tray tells all of them."""
    asked = supergraph.ask(
        '{ brand(id: "outdoor") { name ambassador { username highlights(first: 3) { nodes { id } } } } }'
    )
    assert "errors" not in asked.answer
    ambassador = asked.answer["data"]["brand"]["ambassador"]
    assert ambassador["username"] == "natgeo"
    assert len(ambassador["highlights"]["nodes"]) == 3
    assert asked.calls == {"/v1/user/highlights": 1}
    assert asked.headers["x-billed-requests"] == "2"


def test_thirty_references_are_one_batch_and_each_is_bought_once(supergraph: Supergraph) -> None:
    query = '{ brand(id: "thirty") { highlights { id campaign title items(first: 1) { totalCount } } } }'
    asked = supergraph.ask(query)
    assert "errors" not in asked.answer
    found = asked.answer["data"]["brand"]["highlights"]
    assert [highlight["items"]["totalCount"] for highlight in found] == [40] * 30
    assert [highlight["campaign"] for highlight in found] == [f"campaign of {highlight['id']}" for highlight in found]
    assert asked.calls == {"/v1/highlight/by/url": 30}
    assert asked.billed == 30
    assert asked.headers["x-billed-requests"] == "30"
    again = supergraph.ask(query)
    assert again.answer["data"] == asked.answer["data"]
    assert (again.calls, again.headers["x-billed-requests"]) == ({}, "0")


def test_from_the_gateways_users_and_highlights_to_the_brands(supergraph: Supergraph) -> None:
    asked = supergraph.ask(
        '{ user(by: { username: "hundred.highlights" }) { brand { name } highlights(first: 3) { nodes { campaign } } }}'
    )
    assert "errors" not in asked.answer
    user = asked.answer["data"]["user"]
    assert user["brand"] == {"name": "Hundred"}
    assert len(user["highlights"]["nodes"]) == 3
    assert all(node["campaign"].startswith("campaign of highlight:") for node in user["highlights"]["nodes"])


def test_a_reference_to_what_does_not_exist_is_null_with_an_error_at_its_place(supergraph: Supergraph) -> None:
    asked = supergraph.ask('{ brand(id: "lost") { name highlights { id campaign missingItemIds } } }')
    lost, found = asked.answer["data"]["brand"]["highlights"]
    assert lost["id"] == "highlight:1"
    assert lost["missingItemIds"] is None
    assert lost["campaign"] == "campaign of highlight:1"
    assert found["missingItemIds"] == []
    (error,) = asked.answer["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    # Apollo's router names the entity; Hive's the field, without the position in the list.
    assert error["path"] in (["brand", "highlights", 0], ["brand", "highlights", "missingItemIds"])

"""Behind a router: entities are asked for in batches both ways, errors keep their place, and the bill arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.federation.conftest import ARCHIVE, BRANDS, HERE, Supergraph, apollo, gateway, hive, moved

ROUTERS = {"apollo": (apollo, "apollo"), "hive": (hive, "guild")}


@pytest.fixture(scope="module", params=sorted(ROUTERS))
def supergraph(
    request: pytest.FixtureRequest,
    routers: Path,
    upstream: str,
    brands: str,
    archive: str,
    compose: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Supergraph]:
    """Each router with the supergraph of the composer that is made for it, before a gateway of its own."""
    router, composer = ROUTERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with gateway(upstream, folder) as highlights:
        supergraph = folder / "supergraph.graphql"
        supergraph.write_text(moved(compose(composer), {HERE: highlights, BRANDS: brands, ARCHIVE: archive}))
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


def test_posts_and_locations_are_found_by_their_ids(supergraph: Supergraph) -> None:
    asked = supergraph.ask('{ brand(id: "travel") { posts { id campaign caption } locations { id shop category } } }')
    assert "errors" not in asked.answer
    brand = asked.answer["data"]["brand"]
    assert [post["campaign"] for post in brand["posts"]] == [f"campaign of {post['id']}" for post in brand["posts"]]
    assert all(post["caption"] for post in brand["posts"])
    assert [place["shop"] for place in brand["locations"]] == [f"shop at {place['id']}" for place in brand["locations"]]
    assert all(place["category"] for place in brand["locations"])
    assert asked.calls == {"/v1/media/by/id": 2, "/g2/location/by/id": 2}
    assert asked.headers["x-billed-requests"] == str(asked.billed) == "4"


def test_hashtags_are_found_by_their_names(supergraph: Supergraph) -> None:
    asked = supergraph.ask('{ brand(id: "travel") { hashtags { id name slogan mediaCount } } }')
    assert "errors" not in asked.answer
    coastline, oldtown = asked.answer["data"]["brand"]["hashtags"]
    assert (coastline["id"], oldtown["id"]) == ("hashtag:coastline", "hashtag:oldtown")
    assert (coastline["mediaCount"], oldtown["mediaCount"]) == (1129, 2001)
    assert asked.calls == {"/v1/hashtag/by/name": 2}
    assert asked.headers["x-billed-requests"] == "2"


def test_hashtags_are_found_by_their_ids(supergraph: Supergraph) -> None:
    asked = supergraph.ask('{ edition(about: "hashtag:analogue") { hashtag { name shelf mediaCount } } }')
    assert asked.answer["data"]["edition"]["hashtag"] == {
        "name": "analogue",
        "shelf": "shelf of hashtag:analogue",
        "mediaCount": 1296,
    }
    assert asked.calls == {"/v1/hashtag/by/name": 1}


def test_the_gateway_leads_from_the_name_of_a_hashtag_to_its_id_and_back_for_nothing(supergraph: Supergraph) -> None:
    """One subgraph has the one, another the other: only the gateway knows that they are the same."""
    asked = supergraph.ask(
        '{ brand(id: "tags") { hashtags { shelf } } edition(about: "hashtag:rooftops") { hashtag { slogan } } }'
    )
    assert asked.answer["data"] == {
        "brand": {"hashtags": [{"shelf": "shelf of hashtag:rooftops"}]},
        "edition": {"hashtag": {"slogan": "More of #rooftops!"}},
    }
    assert (asked.calls, asked.billed) == ({}, 0)


def test_from_the_gateways_lists_of_posts_to_the_brands(supergraph: Supergraph) -> None:
    asked = supergraph.ask(
        '{ location(id: "location:212007919") { shop media(first: 2) { nodes { id campaign comments(first: 1)'
        " { nodes { id text } } } } } }"
    )
    assert "errors" not in asked.answer
    location = asked.answer["data"]["location"]
    assert location["shop"] == "shop at location:212007919"
    assert len(location["media"]["nodes"]) == 2
    assert all(post["campaign"] == f"campaign of {post['id']}" for post in location["media"]["nodes"])

"""Places: found by id, near coordinates and by name, with the posts that name them."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from msgspec import UNSET

from gateway.sandbox import Sandbox, catalogue
from gateway.sandbox.listing import PLACES
from tests.sandbox import contract
from tests.sandbox.contract_lists import LocatedPlace, Places, RawMedia
from tests.sandbox.contract_posts import Location, Media
from tests.sandbox.walks import MEDIAS, RECENT_PLACE, TOP_PLACE, Walk, pk_of, read

BY_ID, NEAR, SEARCH = "/g2/location/by/id", "/v1/location/search", "/v2/fbsearch/places"
BASE, STEP = 212_000_000, 7_919
ORDERS = [RECENT_PLACE, TOP_PLACE]
LAST = len(PLACES) - 1


async def opened(client: httpx.AsyncClient, pk: int) -> LocatedPlace:
    return read(await client.get(BY_ID, params={"id": pk}), LocatedPlace)


async def test_every_place_opens_with_its_coordinates(client: httpx.AsyncClient) -> None:
    for number, (name, latitude, longitude, city) in enumerate(PLACES):
        place = await opened(client, BASE + number * STEP)
        assert (place.name, place.lat, place.lng, place.city) == (name, latitude, longitude, city)


async def test_the_place_that_a_post_names_opens(client: httpx.AsyncClient) -> None:
    posts: list[RawMedia] = await MEDIAS.all(client)
    located = {post.location.pk: post.location for post in posts if post.location is not UNSET}
    assert len(located) > 5
    for pk, location in located.items():
        place = await opened(client, pk)
        assert (place.name, place.city) == (location.name, location.city)
        assert location.lat in (None, place.lat)


@pytest.mark.parametrize("walk", ORDERS, ids=str)
async def test_the_lists_hold_the_posts_that_name_the_place(client: httpx.AsyncClient, walk: Walk) -> None:
    posts: list[Media] = await walk.all(client)
    assert len({post.pk for post in posts}) == len(catalogue.at_place(LAST))
    assert {post.location.pk for post in posts if post.location} == {BASE + LAST * STEP}
    assert all(post.location for post in posts)
    own: list[RawMedia] = await MEDIAS.all(client)
    there = {pk_of(post) for post in own if post.location is not UNSET and post.location.pk == BASE + LAST * STEP}
    assert there <= {post.pk for post in posts}


@pytest.mark.parametrize("walk", ORDERS, ids=str)
async def test_the_list_of_a_much_named_place_ends_before_its_last_post(client: httpx.AsyncClient, walk: Walk) -> None:
    posts = await walk.of(location_pk=BASE).all(client)
    assert len({pk_of(post) for post in posts}) == 200 < len(catalogue.at_place(0))


async def test_recent_is_in_order_and_top_is_not(client: httpx.AsyncClient) -> None:
    recent = [post.taken_at_ts for post in await RECENT_PLACE.all(client)]
    assert recent == sorted(recent, reverse=True)
    top = [post.taken_at_ts for post in await TOP_PLACE.all(client)]
    assert top != sorted(top, reverse=True)


async def test_some_posts_of_a_place_have_no_counts(client: httpx.AsyncClient) -> None:
    posts: list[Media] = RECENT_PLACE.entries(await RECENT_PLACE.page(client))
    told = []
    for post in posts:
        whole = read(await client.get("/v1/media/by/id", params={"id": post.pk}), Media)
        untold = msgspec.structs.replace(whole, play_count=0)
        told.append(post == untold)
        assert post in (untold, msgspec.structs.replace(untold, like_count=0, comment_count=0))
    assert {True, False} == set(told)


async def test_places_near_the_coordinates_come_nearest_first(client: httpx.AsyncClient) -> None:
    found = read(await client.get(NEAR, params={"lat": 38.7075, "lng": -9.1364}), list[Location])
    names = [place.name for place in found]
    assert names[0] == "Praça do Comércio"
    assert set(names[1:]) == {"Miradouro da Graça", "Mercado da Ribeira"}
    assert (await client.get(NEAR, params={"lat": 0, "lng": 0})).json() == []


async def test_a_search_finds_places_by_name_and_by_city(client: httpx.AsyncClient) -> None:
    for query, count in (("mercado", 2), ("LISBOA", 3), ("table mountain", 1)):
        places = read(await client.get(SEARCH, params={"query": query}), Places)
        assert len(places.items) == count
        assert not places.has_more
        for item in places.items:
            assert item.title == item.location.name
            assert item.subtitle == item.location.city
            assert query.lower() in f"{item.title} {item.subtitle}".lower()
    assert read(await client.get(SEARCH, params={"query": "nowhere"}), Places).items == []


REFUSALS = [
    (f"{BY_ID}?id=lisboa", 400, "ValidationError"),
    (f"{BY_ID}?id=1", 404, "LocationNotFound"),
    (f"{BY_ID}?id={BASE + 1}", 404, "LocationNotFound"),
    *((f"{walk.path}?location_pk=lisboa", 400, "ValidationError") for walk in ORDERS),
    *((f"{walk.path}?location_pk=1", 404, "LocationNotFound") for walk in ORDERS),
    (f"{NEAR}?lat=north&lng=1", 400, "ValidationError"),
    (f"{NEAR}?lat=1&lng=east", 400, "ValidationError"),
    (f"{NEAR}?lat=91&lng=1", 400, "ValidationError"),
    (f"{NEAR}?lat=1&lng=181", 400, "ValidationError"),
    (f"{NEAR}?lat=nan&lng=1", 400, "ValidationError"),
    (f"{SEARCH}?query=", 400, "ValidationError"),
]


@pytest.mark.parametrize(("target", "status", "exc_type"), REFUSALS)
async def test_refusals_are_charged(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, exc_type: str
) -> None:
    response = await client.get(target)
    error = msgspec.json.decode(response.content, type=contract.EndpointError)
    assert (response.status_code, error.exc_type) == (status, exc_type)
    assert sandbox.meter.total_billed == 1


@pytest.mark.parametrize("target", [BY_ID, RECENT_PLACE.path, TOP_PLACE.path, f"{NEAR}?lat=1", f"{NEAR}?lng=1", SEARCH])
async def test_a_missing_parameter_is_not_charged(client: httpx.AsyncClient, sandbox: Sandbox, target: str) -> None:
    assert (await client.get(target)).status_code == 422
    assert sandbox.meter.total_billed == 0

"""`/` and `/version`."""

from __future__ import annotations

import platform
from importlib.metadata import version

import httpx
import pytest

from tests.fakes.gateway import RunningGateway

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
SHOWN = {"accept": BROWSER}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_browser_at_the_address_itself_is_led_to_the_console(client: httpx.AsyncClient, method: str) -> None:
    """By a path, so that nobody is led where his own header `Host` says."""
    response = await client.request(method, "/", headers=SHOWN)
    assert (response.status_code, response.headers["location"]) == (303, "/graphql")
    assert response.headers["vary"] == "Accept"
    page = await client.get("/", headers=SHOWN, follow_redirects=True)
    assert (page.status_code, page.url.path) == (200, "/graphql")
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html;q=0"])
async def test_others_are_told_what_there_is(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.get("/", headers={"accept": accept})
    assert response.status_code == 200
    places = response.json()
    assert places.pop("name") == "highlights-gateway"
    assert set(places) == {"graphql", "alive", "ready", "version"}
    for path in set(places.values()) - {places["graphql"]}:
        assert (await client.get(path)).status_code == 200
    assert (await client.post(places["graphql"], json={"query": "{ __typename }"})).status_code == 200


async def test_the_version_is_told_and_nothing_else(gateway: RunningGateway) -> None:
    response = await gateway.client.get("/version")
    assert response.json() == {
        "name": "highlights-gateway",
        "version": version("highlights-gateway"),
        "python": platform.python_version(),
    }


@pytest.mark.parametrize("path", ["/", "/version"])
async def test_neither_takes_anything(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, content=b"x")).status_code == 405


async def test_another_host_is_not_served_there_either(client: httpx.AsyncClient) -> None:
    for path in ("/", "/version"):
        assert (await client.get(path, headers={"host": "rebound.example"})).status_code == 421

from __future__ import annotations

import json

import httpx
import pytest

from gateway.domain.ids import code_of
from gateway.sandbox import Sandbox, create_sandbox, fixture_users
from gateway.sandbox.endpoints import BALANCE, ENDPOINTS
from gateway.sandbox.entities import PostKind
from gateway.sandbox.feed import post_pk
from gateway.sandbox.world import EPOCH
from tests.sandbox.harness import SteppedClock, client_of, held
from tests.sandbox.walks import WALKS, listed_pk

SHARE = "https://www.instagram.com/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw"
NATGEO_POST = str(post_pk(fixture_users.NATGEO, EPOCH, PostKind.PHOTO))
PRICES = [
    ("/v1/highlight/by/url", {"url": SHARE}, 1),
    ("/v1/highlight/by/id", {"id": "18085475671830440"}, 1),
    ("/v1/user/highlights", {"user_id": "787132"}, 2),
    ("/v1/user/highlights", {"user_id": "787132", "force": "on"}, 1),
    ("/v1/user/highlights", {"user_id": "787132", "force": "off"}, 2),
    ("/v1/user/highlights/by/username", {"username": "natgeo"}, 3),
    ("/v1/user/highlights/by/username", {"username": "natgeo", "force": "on"}, 2),
    ("/v1/user/by/id", {"id": "787132"}, 1),
    ("/v1/user/by/id", {"id": "787132", "force": "on"}, 1),
    ("/v1/user/by/username", {"username": "natgeo"}, 1),
    ("/v1/user/stories", {"user_id": "787132"}, 2),
    ("/v1/user/stories", {"user_id": "787132", "force": "on"}, 1),
    ("/v1/user/stories/by/username", {"username": "natgeo"}, 3),
    ("/v1/user/stories/by/username", {"username": "natgeo", "force": "on"}, 2),
    ("/v1/story/by/id", {"id": "3772053608293416704"}, 1),
    ("/v1/share/by/url", {"url": SHARE}, 1),
    ("/v1/media/by/id", {"id": NATGEO_POST}, 1),
    ("/v1/media/by/id", {"id": NATGEO_POST, "force": "on"}, 1),
    ("/v1/media/by/code", {"code": code_of(int(NATGEO_POST))}, 1),
    ("/v1/media/by/url", {"url": f"https://www.instagram.com/p/{code_of(int(NATGEO_POST))}/"}, 1),
    *((walk.path, {name: str(value) for name, value in walk.params.items()}, 1) for walk in WALKS),
    ("/v1/user/medias/pinned", {"user_id": "787132"}, 1),
    ("/v1/user/medias/pinned", {"user_id": "787132", "force": "on"}, 1),
    ("/v1/user/followers/chunk", {"user_id": "787132"}, 1),
    ("/v1/user/following/chunk", {"user_id": "787132"}, 1),
    ("/v1/user/search/followers", {"user_id": "787132", "query": "a"}, 2),
    ("/v1/user/search/followers", {"user_id": "787132", "query": "a", "force": "on"}, 1),
    ("/v1/user/search/following", {"user_id": "787132", "query": "a"}, 2),
    ("/v1/user/search/following", {"user_id": "787132", "query": "a", "force": "on"}, 1),
    ("/gql/user/about", {"id": "787132"}, 1),
    ("/v2/media/comments/infos", {"media_ids": f"{NATGEO_POST},{listed_pk(0)},{listed_pk(1)}"}, 1),
    ("/v2/media/likers", {"id": NATGEO_POST}, 1),
    ("/v1/media/likers", {"id": NATGEO_POST}, 1),
    ("/v1/hashtag/by/name", {"name": "sunset"}, 1),
    ("/v1/search/hashtags", {"query": "sun"}, 1),
    ("/g2/location/by/id", {"id": "212000000"}, 1),
    ("/v1/location/search", {"lat": "38.7", "lng": "-9.1"}, 1),
    ("/v2/fbsearch/places", {"query": "lisboa"}, 1),
    ("/sys/balance", {}, 0),
]


def test_the_price_list_names_every_endpoint() -> None:
    assert {path for path, _, _ in PRICES} == {endpoint.path for endpoint in ENDPOINTS} | {BALANCE}


@pytest.mark.parametrize(("path", "params", "price"), PRICES)
async def test_each_call_costs_what_the_price_list_says(
    client: httpx.AsyncClient, sandbox: Sandbox, path: str, params: dict[str, str], price: int
) -> None:
    response = await client.get(path, params=params)
    assert response.status_code == 200
    assert json.loads(response.headers["x-hiker-info"]) == {"reqs": price}
    assert dict(sandbox.meter.calls) == {path: 1}
    assert (sandbox.meter.total_calls, sandbox.meter.total_billed) == (1, price)
    assert sandbox.meter.billed[path] == price
    assert sandbox.balance == 1_000_000 - price


CHARGED = [
    ("/v1/user/highlights?user_id=natgeo", 400, 2),
    (f"/v1/user/highlights?user_id={fixture_users.PRIVATE.pk}", 403, 2),
    (f"/v1/user/highlights?user_id={fixture_users.EMPTY_404.pk}", 404, 2),
    ("/v1/user/highlights/by/username?username=nobody.at.all", 404, 3),
    ("/v1/user/highlights", 422, 0),
]


@pytest.mark.parametrize(("target", "status", "charged"), CHARGED)
async def test_bad_private_and_unknown_are_charged_too(
    client: httpx.AsyncClient, sandbox: Sandbox, target: str, status: int, charged: int
) -> None:
    """The header names the nominal price on every answer, also where it means nothing."""
    response = await client.get(target)
    assert response.status_code == status
    assert json.loads(response.headers["x-hiker-info"])["reqs"] > 0
    assert sandbox.meter.total_billed == charged


@pytest.mark.parametrize("headers", [{}, {"x-access-key": "another"}])
async def test_a_missing_or_wrong_key_is_refused_and_costs_nothing(headers: dict[str, str]) -> None:
    app = create_sandbox(clock=SteppedClock(), keys=frozenset({"first", "second"}))
    async with client_of(app, headers) as client:
        response = await client.get("/v1/user/by/id?id=787132")
        assert (response.status_code, response.json()) == (401, {"state": False, "error": "Token is invalid"})
        accepted = await client.get("/v1/user/by/id?id=787132", headers={"x-access-key": "second"})
        assert accepted.status_code == 200
    assert (held(app).meter.total_calls, held(app).meter.total_billed) == (2, 1)


async def test_without_a_user_agent_the_edge_refuses_in_text(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    del client.headers["user-agent"]
    response = await client.get("/v1/user/by/id?id=787132")
    assert (response.status_code, response.text) == (403, "error code: 1010")
    assert response.headers["content-type"].startswith("text/plain")
    assert sandbox.meter.total_billed == 0


async def test_when_the_balance_runs_out_calls_are_refused_until_it_is_topped_up() -> None:
    app = create_sandbox(clock=SteppedClock(), balance=4)
    async with client_of(app) as client:
        statuses = [(await client.get("/v1/user/highlights?user_id=787132")).status_code for _ in range(3)]
        assert statuses == [200, 200, 402]
        refused = await client.get("/v1/user/by/id?id=787132")
        assert refused.json() == {
            "state": False,
            "error": "Top up your account at https://hikerapi.com/billing",
            "exc_type": "InsufficientFunds",
        }
        assert (await client.get("/sys/balance")).json()["requests"] == 0
        held(app).balance = 1
        assert (await client.get("/v1/user/by/id?id=787132")).status_code == 200
    assert held(app).meter.total_billed == 5


async def test_more_calls_than_the_rate_are_refused_with_a_time_to_come_back() -> None:
    clock = SteppedClock()
    app = create_sandbox(clock=clock, rate=2)
    async with client_of(app) as client:
        statuses = [(await client.get("/v1/user/by/id?id=787132")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = await client.get("/v1/user/by/id?id=787132")
        assert refused.headers["retry-after"] == "1"
        balance = (await client.get("/sys/balance")).json()
        assert balance["rate"] == 2
        clock.seconds += float(refused.headers["retry-after"])
        statuses = [(await client.get("/v1/user/by/id?id=787132")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
    assert held(app).meter.total_billed == 4


async def test_a_reset_starts_everything_anew(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    await client.get("/v1/user/highlights?user_id=787132")
    sandbox.world.rename(fixture_users.NATGEO_PK, "renamed")
    assert (await client.get("/_control/meter")).json() == {
        "calls": {"/v1/user/highlights": 1},
        "billed": {"/v1/user/highlights": 2},
        "total_calls": 1,
        "total_billed": 2,
        "balance": 999_998,
    }
    assert (await client.post("/_control/reset")).status_code == 204
    assert (sandbox.meter.total_calls, sandbox.meter.total_billed, sandbox.balance) == (0, 0, 1_000_000)
    assert (await client.get("/v1/user/by/username?username=natgeo")).status_code == 200

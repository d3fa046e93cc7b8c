"""What goes out: paths, queries, prices, headers."""

from __future__ import annotations

import pytest

from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import KEY, NATGEO, TRAY, Upstream, answer

SENT = [
    (Call(endpoints.TRAY, "787132"), "/v1/user/highlights", {"user_id": "787132"}, 2),
    (Call(endpoints.TRAY, "787132", forced=True), "/v1/user/highlights", {"user_id": "787132", "force": "on"}, 1),
    (Call(endpoints.TRAY_BY_USERNAME, "natgeo"), "/v1/user/highlights/by/username", {"username": "natgeo"}, 3),
    (
        Call(endpoints.TRAY_BY_USERNAME, "natgeo", forced=True),
        "/v1/user/highlights/by/username",
        {"username": "natgeo", "force": "on"},
        2,
    ),
    (Call(endpoints.PROFILE, "787132"), "/v1/user/by/id", {"id": "787132"}, 1),
    (Call(endpoints.PROFILE_BY_USERNAME, "nat.geo"), "/v1/user/by/username", {"username": "nat.geo"}, 1),
    (Call(endpoints.ITEM, "3772053608293416704"), "/v1/story/by/id", {"id": "3772053608293416704"}, 1),
    (
        Call(endpoints.HIGHLIGHT, "18085475671830440"),
        "/v1/highlight/by/url",
        {"url": "https://www.instagram.com/stories/highlights/18085475671830440/"},
        1,
    ),
]


@pytest.mark.parametrize(("call", "path", "query", "price"), SENT)
async def test_a_call_is_one_get_with_its_key_and_costs_its_price(
    call: Call, path: str, query: dict[str, str], price: int
) -> None:
    upstream = Upstream(answer(404, {"detail": "gone", "exc_type": "SomethingNotFound"}))
    outcome = await upstream.api().fetch(call)
    [request] = upstream.requests
    assert (request.method, request.url.host, request.url.path) == ("GET", "hiker.test", path)
    assert dict(request.url.params) == query
    assert (outcome.charged, call.nominal_price) == (price, price)


async def test_every_request_carries_the_key_and_a_user_agent() -> None:
    """The edge answers 403 to requests without a User-Agent."""
    upstream = Upstream(answer(200, TRAY))
    await upstream.api().fetch(NATGEO)
    [request] = upstream.requests
    assert request.headers["x-access-key"] == KEY
    assert request.headers["user-agent"].startswith("highlights-gateway/")


async def test_what_stands_in_a_key_cannot_add_to_the_query() -> None:
    upstream = Upstream(answer(404, {"exc_type": "UserNotFound"}))
    await upstream.api().fetch(Call(endpoints.PROFILE_BY_USERNAME, "a&force=on#/../?"))
    assert dict(upstream.requests[0].url.params) == {"username": "a&force=on#/../?"}


@pytest.mark.parametrize("endpoint", [e for e in endpoints.ENDPOINTS if e.forced_price is None])
def test_only_trays_can_be_forced(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match="cannot be forced"):
        Call(endpoint, "1", forced=True)

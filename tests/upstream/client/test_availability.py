"""Whether the upstream takes the gateway's key: told when that is first known, and when it changes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.events import UpstreamAccess
from tests.upstream.harness import NATGEO, TRAY, Step, Upstream, answer

GOOD = answer(200, TRAY)
EDGE = answer(403, b"error code: 1010")
WRONG_KEY = answer(401, {"state": False, "error": "Token is invalid"})
PRIVATE = answer(403, {"detail": "x", "exc_type": "PrivateAccount"}, x_hiker_info='{"reqs": 1}')
WALLED = answer(403, {"detail": "x", "exc_type": "LoginRequired"}, x_hiker_info='{"reqs": 1}')


async def states(*steps: Step, pause: float = 0.0) -> list[str]:
    """What is told of one request after the other, `pause` seconds apart."""
    upstream = Upstream(*steps)
    api = upstream.api()
    for _ in steps:
        await api.fetch(NATGEO)
        await asyncio.sleep(pause)
    return [event.state for event in upstream.seen(UpstreamAccess)]


@pytest.mark.parametrize("no", [WRONG_KEY, EDGE])
async def test_a_refused_key_is_told_once_per_change(no: Step) -> None:
    assert await states(no, no, no, GOOD, GOOD, pause=61) == ["refuses", "answers"]
    assert await states(GOOD, no, no, GOOD, no, pause=61) == ["answers", "refuses", "answers", "refuses"]


async def test_what_turns_away_every_second_request_is_told_once_a_minute() -> None:
    assert await states(*[EDGE, GOOD] * 20, pause=1) == ["refuses", "answers"]


@pytest.mark.parametrize(
    "said",
    [
        PRIVATE,
        WALLED,
        answer(404, {"exc_type": "UserNotFound"}),
        answer(402, {"exc_type": "InsufficientFunds"}),
    ],
)
async def test_who_is_answered_has_access_whatever_the_answer(said: Step) -> None:
    assert await states(said, GOOD) == ["answers"]


@pytest.mark.parametrize(
    "away", [httpx.ConnectError("refused"), httpx.ReadTimeout("silent"), answer(410, b""), answer(200, b"<html>")]
)
async def test_an_upstream_that_was_never_heard_of_is_told_at_the_start_and_not_later(away: Step) -> None:
    """Later the breaker tells, which also knows when it is over."""
    assert await states(away, away, GOOD, away, away, GOOD) == ["fails", "answers"]


async def test_the_line_says_which_setting_to_look_at_and_holds_no_key() -> None:
    upstream = Upstream(httpx.ConnectError("refused"), WRONG_KEY)
    await upstream.api().fetch(NATGEO)
    away, refused = upstream.seen(UpstreamAccess)
    assert away.upstream == refused.upstream == "reading"
    assert "Could not connect" in str(away.problem)
    assert "GATEWAY_HIKERAPI_URL" in str(away.problem)
    assert "GATEWAY_HIKERAPI_KEY" in str(refused.problem)

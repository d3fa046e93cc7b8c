"""A token that is refused is refreshed once, by the contract's error table; else the account must be reconnected."""

from __future__ import annotations

import asyncio
import gc

import httpx
import pytest

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected, UpstreamError, UpstreamUnavailable
from gateway.events import TokenRefreshed, UpstreamAccess
from gateway.upstream.platforms.dialects import Dialect
from tests.upstream.platforms.stub import KEY, NATGEO, SELF, TOKEN, Step, Upstream, answer, highlight, problem, upstream

FRESH = "another-token-that-must-never-be-seen"
PK = "17900000000000001"
REFRESH = "/refresh_access_token"
ANOTHER = answer(200, {"access_token": FRESH, "token_type": "bearer", "expires_in": 5_183_944})


def by_token(request: httpx.Request) -> httpx.Response:
    """Of a platform that takes the fresh one alone."""
    if request.url.path == REFRESH:
        return ANOTHER if request.url.params["access_token"] == TOKEN else problem(190, 467, 401)
    if request.headers["authorization"] != f"Bearer {FRESH}":
        return problem(190, 467, 401)
    return answer(200, SELF if request.url.path == "/users/self" else highlight(PK, 31))


async def step(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(1)
    return by_token(request)


def paths(platform: Upstream) -> list[str]:
    return [request.url.path for request in platform.requests]


async def test_a_refused_token_is_refreshed_and_the_same_request_sent_again() -> None:
    platform = upstream(step)
    publisher = platform.publisher()
    made = await publisher.create(NATGEO, "Reef", ["31"], None, key=KEY)
    assert made.pk == PK
    first, refresh, again = platform.requests
    assert dict(refresh.url.params) == {"grant_type": "ig_refresh_token", "access_token": TOKEN}
    assert [request.headers["authorization"] for request in (first, refresh, again)] == [
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
        f"Bearer {FRESH}",
    ]
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"] == KEY
    assert first.content == again.content
    await publisher.highlight(NATGEO, PK)
    assert paths(platform)[3:] == [f"/highlights/{PK}"]
    assert platform.seen(TokenRefreshed) == [TokenRefreshed()]


async def test_a_token_is_told_to_be_refused_where_no_other_is_given_for_it() -> None:
    """What is refreshed by itself is nothing that an operator could mend."""
    platform = upstream(step)
    await platform.publisher().create(NATGEO, "Reef", ["31"], None, key=KEY)
    assert [event.state for event in platform.seen(UpstreamAccess)] == ["answers"]
    platform = upstream(problem(190, 463, 401))
    publisher = platform.publisher()
    for _ in range(3):
        with pytest.raises(AccountDisconnected):
            await publisher.highlight(NATGEO, PK)
    assert [event.state for event in platform.seen(UpstreamAccess)] == ["answers", "refuses"]
    assert "GATEWAY_PLATFORM_TOKEN" in str(platform.seen(UpstreamAccess)[-1].problem)


async def test_a_deletion_whose_token_is_refused_is_sent_again() -> None:
    platform = upstream(problem(190, 467, 401), ANOTHER, answer(204, b""))
    await platform.publisher().delete(NATGEO, PK)
    assert paths(platform) == [f"/highlights/{PK}", REFRESH, f"/highlights/{PK}"]


async def test_of_many_that_are_refused_at_once_one_asks() -> None:
    platform = upstream(step)
    publisher = platform.publisher()
    await asyncio.gather(*(publisher.highlight(NATGEO, PK) for _ in range(5)))
    assert paths(platform).count(REFRESH) == 1
    assert len(platform.requests) == 5 + 1 + 5


async def test_the_token_may_be_refused_before_it_is_known_whose_it_is() -> None:
    platform = upstream(step, whoami=step)
    assert await platform.publisher().accounts() == [Account(NATGEO, "natgeo")]
    assert paths(platform) == [REFRESH]
    assert platform.asked_self == 2


async def test_what_has_expired_has_to_be_connected_again() -> None:
    platform = upstream(problem(190, 463, 401))
    publisher = platform.publisher()
    with pytest.raises(AccountDisconnected, match="has expired: connect it again"):
        await publisher.highlight(NATGEO, PK)
    assert paths(platform) == [f"/highlights/{PK}", REFRESH]
    with pytest.raises(AccountDisconnected):
        await publisher.highlight(NATGEO, PK)
    assert paths(platform)[2:] == [f"/highlights/{PK}"], "nor is another one asked for again"
    assert platform.seen(TokenRefreshed) == []


@pytest.mark.parametrize(
    "no",
    [problem(100, None, 400), problem(10, None, 403), problem(100, 33, 404), answer(200, {"access_token": TOKEN})],
)
async def test_a_token_that_is_too_young_to_be_refreshed_may_be_later(no: httpx.Response) -> None:
    """What was refused is told, and not why there is no other token."""
    platform = upstream(problem(190, 463, 401), no, step)
    publisher = platform.publisher()
    with pytest.raises(AccountDisconnected, match="has expired: connect it again"):
        await publisher.highlight(NATGEO, PK)
    assert (await publisher.highlight(NATGEO, PK)) is not None
    assert paths(platform).count(REFRESH) == 2


async def test_a_token_that_is_refused_when_it_is_fresh_is_not_refreshed_for_the_same_request() -> None:
    platform = upstream(problem(190, 467, 401), ANOTHER, problem(190, 458, 401))
    with pytest.raises(AccountDisconnected, match="removed the app"):
        await platform.publisher().highlight(NATGEO, PK)
    assert paths(platform) == [f"/highlights/{PK}", REFRESH, f"/highlights/{PK}"]


@pytest.mark.parametrize(
    "no",
    [
        answer(503, b""),
        answer(404, b"<html>no such page</html>"),
        answer(200, {"token_type": "bearer"}),
        answer(200, {"access_token": ""}),
        answer(200, {"access_token": "t\u00f6ken"}),
        httpx.ReadError("cut off"),
        problem(9007, 2207027),
    ],
)
async def test_trouble_while_it_is_refreshed_is_passed_on_and_it_is_asked_again(no: Step) -> None:
    """A flow's step outlasts it, instead of failing for good."""
    platform = upstream(problem(190, 467, 401), no, step)
    publisher = platform.publisher()
    with pytest.raises(UpstreamError):
        await publisher.highlight(NATGEO, PK)
    assert (await publisher.highlight(NATGEO, PK)) is not None
    assert paths(platform).count(REFRESH) == 2


async def test_trouble_while_it_is_refreshed_befalls_all_who_wait_at_once() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        if request.url.path == REFRESH:
            await asyncio.sleep(100)
            return answer(503, b"")
        return by_token(request)

    platform = upstream(hang)
    publisher = platform.publisher()
    asked = asyncio.gather(*(publisher.highlight(NATGEO, PK) for _ in range(6)), return_exceptions=True)
    assert [type(error) for error in await asked] == [UpstreamUnavailable] * 6
    assert paths(platform).count(REFRESH) == 1
    assert platform.clock.monotonic() < 150


async def test_whose_token_it_is_is_asked_once_for_all_who_wait() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(100)
        return answer(503, b"")

    platform = upstream(answer(204, b""), whoami=hang)
    publisher = platform.publisher()
    asked = asyncio.gather(*(publisher.delete(NATGEO, PK) for _ in range(6)), return_exceptions=True)
    assert [type(error) for error in await asked] == [UpstreamUnavailable] * 6
    assert platform.asked_self == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_no_complaint() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return answer(503, b"") if request.url.path == REFRESH else problem(190, 467, 401)

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    publisher = upstream(hang).publisher()
    await publisher.accounts()
    only = asyncio.create_task(publisher.highlight(NATGEO, PK))
    await asyncio.sleep(1.5)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await asyncio.sleep(5)
    del only  # with what it holds of those it waited for
    gc.collect()
    assert complaints == []


async def test_who_goes_away_leaves_the_new_token_to_the_others() -> None:
    platform = upstream(step)
    publisher = platform.publisher()
    await publisher.accounts()
    first = asyncio.create_task(publisher.highlight(NATGEO, PK))
    await asyncio.sleep(1.5)
    first.cancel()
    assert (await publisher.highlight(NATGEO, PK)) is not None
    assert paths(platform).count(REFRESH) == 1


@pytest.mark.parametrize("no", [problem(190, 467, 401), problem(100, None, 400), answer(200, {"access_token": FRESH})])
async def test_a_token_that_the_platform_has_forgotten_gives_way_to_the_configured_one(no: httpx.Response) -> None:
    platform = upstream(problem(190, 467, 401), ANOTHER, answer(200, highlight(PK, 31)))
    publisher = platform.publisher()
    await publisher.highlight(NATGEO, PK)
    platform.steps[:] = [problem(190, 467, 401), no, answer(200, highlight(PK, 31))]
    assert (await publisher.highlight(NATGEO, PK)) is not None
    assert [request.headers["authorization"] for request in platform.requests[3:]] == [
        f"Bearer {FRESH}",
        f"Bearer {FRESH}",
        f"Bearer {TOKEN}",
    ]


@pytest.mark.parametrize(
    "whoami", [problem(100, 33, 404), problem(9007, 2207027), problem(24, 2207008), problem(100, None, 400)]
)
async def test_what_is_said_of_the_account_is_not_taken_for_a_word_on_what_was_asked(whoami: httpx.Response) -> None:
    """A deletion would be done that was never sent, a highlight be gone, a container be waited for."""
    platform = upstream(answer(204, b""), whoami=whoami)
    publisher = platform.publisher()
    for call in (
        publisher.delete(NATGEO, PK),
        publisher.highlight(NATGEO, PK),
        publisher.container(NATGEO, "18"),
        publisher.publish(NATGEO, "18", key=KEY),
    ):
        with pytest.raises(UpstreamError):
            await call
    assert platform.requests == []


async def test_a_session_is_not_refreshed() -> None:
    """The other dialect's only way is to log in again."""
    platform = upstream(answer(401, {"detail": "Session ID required"}), dialect=Dialect.AIOGRAPI)
    with pytest.raises(AccountDisconnected):
        await platform.publisher().tray(NATGEO)
    assert len(platform.requests) == 1

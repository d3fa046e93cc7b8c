"""The account: what is left, and the rate it allows."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.errors import (
    InsufficientFunds,
    UpstreamError,
    UpstreamInvalidAnswer,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from gateway.reads.port import Balance
from gateway.upstream.hikerapi.client import HikerApi
from tests.upstream.harness import NATGEO, TRAY, Upstream, answer

DOCUMENTED = {"requests": 1992006, "rate": 15, "currency": "USD", "amount": 916.3235}


class Account(Upstream):
    """Answers `/sys/balance` with `balance`, all else with a tray."""

    def __init__(self, balance: httpx.Response) -> None:
        super().__init__(self.serve)
        self.balance = balance

    async def serve(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # as a network would, so that calls at once overlap
        return self.balance if request.url.path == "/sys/balance" else answer(200, TRAY)

    @property
    def questions(self) -> int:
        return sum(request.url.path == "/sys/balance" for request in self.requests)


async def spread(upstream: Upstream, api: HikerApi, calls: int) -> float:
    """Seconds that `calls` at once take."""
    began = upstream.clock.monotonic()
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(calls)))
    assert {outcome.problem for outcome in outcomes} == {None}
    return upstream.clock.monotonic() - began


async def test_the_documented_balance_is_read_and_free() -> None:
    upstream = Account(answer(200, DOCUMENTED, x_hiker_info='{"reqs": 0}'))
    assert await upstream.api().balance() == Balance(1992006, 15, "USD", 916.3235)
    [attempt] = upstream.attempts
    assert (attempt.endpoint, attempt.charged) == ("balance", 0)


async def test_before_its_first_calls_it_asks_once_for_the_rate() -> None:
    upstream = Account(answer(200, {**DOCUMENTED, "rate": 1}))
    assert await spread(upstream, upstream.api(rate=None), 5) == pytest.approx(4, abs=0.01)
    assert upstream.questions == 1


async def test_a_given_rate_wins_and_is_not_asked_for() -> None:
    upstream = Account(answer(200, {**DOCUMENTED, "rate": 1}))
    api = upstream.api(rate=100)
    await api.start()
    assert upstream.questions == 0
    await api.balance()
    assert await spread(upstream, api, 50) == 0


@pytest.mark.parametrize(
    "reply",
    [answer(503, b""), answer(401, {"state": False}), answer(200, b"<html>"), answer(200, {**DOCUMENTED, "rate": 0})]
    + [answer(200, {**DOCUMENTED, "rate": odd}) for odd in (-1, 1_001, 10**400)],
)
async def test_an_account_that_does_not_say_counts_as_a_paid_plan(reply: httpx.Response) -> None:
    upstream = Account(reply)
    # One of the 15 that may go at once was the question itself.
    assert await spread(upstream, upstream.api(rate=None), 15 + 30) == pytest.approx(31 / 15, abs=0.01)
    assert upstream.questions == 1


async def test_a_silent_account_delays_the_first_calls_by_seconds_only() -> None:
    async def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/sys/balance":
            await asyncio.Event().wait()
        return answer(200, TRAY)

    upstream = Upstream(serve)
    assert await spread(upstream, upstream.api(rate=None), 3) == 5


async def test_a_cancelled_first_call_leaves_the_question_to_the_next() -> None:
    async def serve(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return answer(200, DOCUMENTED if request.url.path == "/sys/balance" else TRAY)

    upstream = Upstream(serve)
    api = upstream.api(rate=None)
    first, second = (asyncio.create_task(api.fetch(NATGEO)) for _ in range(2))
    await asyncio.sleep(0.5)
    first.cancel()
    assert (await second).problem is None


async def test_the_rate_follows_the_account() -> None:
    upstream = Account(answer(200, {**DOCUMENTED, "rate": 1}))
    api = upstream.api(rate=None)
    await api.start()
    upstream.balance = answer(200, {**DOCUMENTED, "rate": 50})
    await api.balance()
    assert await spread(upstream, api, 50) < 2


@pytest.mark.parametrize("odd", [None, "", {}, [], True, "fifteen"])
@pytest.mark.parametrize("member", ["rate", "currency", "amount"])
async def test_one_odd_member_of_a_balance_costs_itself(member: str, odd: object) -> None:
    for told in (DOCUMENTED | {member: odd}, {key: value for key, value in DOCUMENTED.items() if key != member}):
        assert (await Account(answer(200, told)).api().balance()).requests == 1992006


@pytest.mark.parametrize("requests", ["1992006", 1992006.0, "1992006.0"])
async def test_a_balance_is_what_it_can_only_mean(requests: object) -> None:
    told = DOCUMENTED | {"requests": requests, "rate": "15", "amount": "916.3235"}
    assert await Account(answer(200, told)).api().balance() == Balance(1992006, 15, "USD", 916.3235)


FAILURES = [
    (answer(401, {"state": False, "error": "Token is invalid"}), UpstreamUnauthorized),
    (answer(402, {"exc_type": "InsufficientFunds"}), InsufficientFunds),
    (answer(403, b"error code: 1010"), UpstreamRejected),
    (answer(403, {"exc_type": "PrivateAccount"}), UpstreamInvalidAnswer),
    (answer(404, {"detail": "Not Found"}), UpstreamInvalidAnswer),
    (answer(503, b""), UpstreamUnavailable),
    (answer(200, {"state": False, "exc_type": "InsufficientFunds"}), InsufficientFunds),
    (answer(200, b"[]"), UpstreamInvalidAnswer),
    (answer(200, b'{"requests": "many"}'), UpstreamInvalidAnswer),
    (answer(200, b"<html>"), UpstreamInvalidAnswer),
]


@pytest.mark.parametrize(("reply", "error"), FAILURES)
async def test_a_balance_that_cannot_be_had_is_trouble_with_the_upstream(
    reply: httpx.Response, error: type[UpstreamError]
) -> None:
    upstream = Account(reply)
    with pytest.raises(error):
        await upstream.api().balance()
    assert {attempt.charged for attempt in upstream.attempts} == {0}


@pytest.mark.parametrize("requests", [2**31, -(2**31), 10**400, 1.5, None])
async def test_a_balance_that_cannot_be_meant_is_none(requests: object) -> None:
    """What is not believed leaves the guard counting down from what it knew."""
    with pytest.raises(UpstreamInvalidAnswer):
        await Account(answer(200, DOCUMENTED | {"requests": requests})).api().balance()

"""The breaker: a dead upstream is not waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from gateway.errors import UpstreamUnavailable
from gateway.events import CircuitBreakerStateChanged
from gateway.reads.port import ReadOutcome
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi.client import HikerApi
from tests.upstream.harness import NATGEO, TRAY, Step, Upstream, answer

ONCE = Policy(attempts=1, failures=3, cool_down=5)
GOOD = answer(200, TRAY)
DOWN = answer(503, b"")


async def hang(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def fetch(api: HikerApi, times: int) -> list[ReadOutcome]:
    return [await api.fetch(NATGEO) for _ in range(times)]


def states(upstream: Upstream) -> list[str]:
    return [event.state for event in upstream.seen(CircuitBreakerStateChanged)]


@pytest.mark.parametrize(
    "trouble", [DOWN, httpx.ConnectError("refused"), httpx.ReadTimeout("silence"), httpx.DecodingError("no HTTP")]
)
async def test_it_opens_after_so_many_failures_in_a_row(trouble: Step) -> None:
    upstream = Upstream(trouble)
    *_, refused = await fetch(upstream.api(policy=ONCE), 5)
    assert isinstance(refused.problem, UpstreamUnavailable)
    assert (len(upstream.requests), states(upstream)) == (3, ["opened"])
    assert (refused.attempts, refused.charged, refused.in_doubt, refused.seconds) == (0, 0, False, 0)
    assert refused.problem.retry_after == 5


async def test_an_answer_in_between_starts_the_count_anew() -> None:
    upstream = Upstream(DOWN, DOWN, GOOD, DOWN, DOWN, GOOD)
    await fetch(upstream.api(policy=ONCE), 6)
    assert states(upstream) == []


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 410, 422])
async def test_an_upstream_that_answers_is_not_down(status: int) -> None:
    upstream = Upstream(answer(status, {"exc_type": "X"}, retry_after="0"))
    await fetch(upstream.api(policy=ONCE), 10)
    assert (states(upstream), len(upstream.requests)) == ([], 10)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 503, 520, 599])
async def test_whatever_is_tried_again_counts(status: int) -> None:
    upstream = Upstream(answer(status, b"", retry_after="0"))
    await fetch(upstream.api(policy=ONCE), 5)
    assert (states(upstream), len(upstream.requests)) == (["opened"], 3)


async def test_one_probe_closes_it() -> None:
    upstream = Upstream(DOWN, DOWN, DOWN, GOOD)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    await asyncio.sleep(5)
    assert [outcome.problem for outcome in await fetch(api, 2)] == [None, None]
    assert states(upstream) == ["opened", "half-opened", "closed"]


async def test_a_failed_probe_opens_it_for_as_long_again() -> None:
    upstream = Upstream(DOWN)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    await asyncio.sleep(5)
    await fetch(api, 5)
    assert states(upstream) == ["opened", "half-opened", "opened"]
    assert len(upstream.requests) == 4


async def test_while_the_probe_is_on_its_way_nobody_follows() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return GOOD

    upstream = Upstream(DOWN, DOWN, DOWN, slow)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    await asyncio.sleep(5)
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(10)))
    assert sum(outcome.problem is None for outcome in outcomes) == 1
    assert len(upstream.requests) == 4


async def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    upstream = Upstream(DOWN, DOWN, DOWN, hang, GOOD)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    await asyncio.sleep(5)
    probe = asyncio.create_task(api.fetch(NATGEO))
    await asyncio.sleep(0.1)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (await api.fetch(NATGEO)).problem is None
    assert states(upstream) == ["opened", "half-opened", "opened", "half-opened", "closed"]


async def test_an_answer_from_before_the_opening_does_not_close_it() -> None:
    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return GOOD

    upstream = Upstream(late, DOWN)
    api = upstream.api(policy=ONCE)
    early = asyncio.create_task(api.fetch(NATGEO))
    await asyncio.sleep(0.1)
    await fetch(api, 3)
    assert (await early).problem is None
    assert isinstance((await api.fetch(NATGEO)).problem, UpstreamUnavailable)
    assert states(upstream) == ["opened"]


async def test_a_failure_from_before_the_opening_does_not_end_the_probe() -> None:
    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(6)
        return DOWN

    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(2)
        return GOOD

    upstream = Upstream(late, DOWN, DOWN, DOWN, slow)
    api = upstream.api(policy=ONCE)
    early = asyncio.create_task(api.fetch(NATGEO))
    await asyncio.sleep(0.1)
    await fetch(api, 3)
    await asyncio.sleep(5)
    assert (await api.fetch(NATGEO)).problem is None
    await early
    assert states(upstream) == ["opened", "half-opened", "closed"]


async def test_who_waits_in_line_when_it_opens_is_not_sent() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        return DOWN

    upstream = Upstream(slow)
    api = upstream.api(rate=3, policy=ONCE)
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(6)))
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1, 0, 0, 0]
    assert all(outcome.seconds > 0.3 for outcome in outcomes[3:])
    assert len(upstream.attempts) == 3


async def test_retries_stop_when_it_opens() -> None:
    upstream = Upstream(DOWN)
    outcome = await upstream.api(policy=replace(ONCE, attempts=50)).fetch(NATGEO)
    assert outcome.attempts == 3
    assert isinstance(outcome.problem, UpstreamUnavailable)


def news(upstream: Upstream) -> list[str]:
    return [event.state for event in upstream.seen(CircuitBreakerStateChanged) if event.is_news]


async def test_an_outage_is_told_once_and_so_is_its_end() -> None:
    """Each probe half-opens it: that would be two warnings every five seconds."""
    upstream = Upstream(*[DOWN] * 23, GOOD)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    for _ in range(21):
        await asyncio.sleep(5)
        await fetch(api, 1)
    assert states(upstream).count("half-opened") == 21
    assert news(upstream) == ["opened", "closed"]


async def test_an_upstream_that_comes_and_goes_is_told_once_a_minute() -> None:
    outage = (*[DOWN] * 3, GOOD)
    upstream = Upstream(*outage * 24)
    api = upstream.api(policy=ONCE)
    for _ in range(24):
        await fetch(api, 3)
        await asyncio.sleep(5)
        await fetch(api, 1)
    assert states(upstream).count("opened") == 24
    assert news(upstream) == ["opened", "closed"] * 2


async def test_an_outage_that_begins_before_the_minute_is_over_is_told_with_a_later_probe() -> None:
    upstream = Upstream(*[DOWN] * 3, GOOD, DOWN)
    api = upstream.api(policy=ONCE)
    await fetch(api, 3)
    await asyncio.sleep(5)
    await fetch(api, 4)
    assert news(upstream) == ["opened", "closed"]
    for _ in range(12):
        await asyncio.sleep(5)
        await fetch(api, 1)
    assert news(upstream) == ["opened", "closed", "opened"]

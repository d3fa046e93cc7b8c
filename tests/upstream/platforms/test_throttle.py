"""The usage headers: we slow down before the wall, and wait where access is gone."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from gateway.errors import UpstreamRateLimited
from gateway.upstream.client.throttle import BELIEVED
from tests.upstream.platforms.stub import NATGEO, FullPublisher, Upstream, answer, highlight, problem, upstream

PK = "17900000000000001"


def told(percent: float, *, of: str = "x_app_usage") -> httpx.Response:
    usage = f'{{"call_count": {percent}, "total_time": 3, "total_cputime": 2}}'
    return answer(200, highlight(PK, 31), **{of: usage if of == "x_app_usage" else f'{{"17841": [{usage}]}}'})


async def seconds_of(platform: Upstream, calls: int) -> float:
    """How long so many calls take one after the other, once what was saved up is spent."""
    publisher = platform.publisher()
    for _ in range(int(platform.rate) + 1):
        await publisher.highlight(NATGEO, PK)
    return await seconds_between(publisher, platform, calls)


@pytest.mark.parametrize(
    ("percent", "seconds"), [(0, 2.0), (75, 2.0), (87.5, 4.0), (95, 10.0), (100, 40.0), (130, 40.0)]
)
@pytest.mark.parametrize("header", ["x_app_usage", "x_business_use_case_usage"])
async def test_the_less_is_left_the_slower_we_go(percent: float, seconds: float, header: str) -> None:
    platform = upstream(told(percent, of=header), rate=10.0)
    assert await seconds_of(platform, 20) == pytest.approx(seconds, rel=0.05)


async def test_the_fullest_limit_counts() -> None:
    both = '{"17841": [{"call_count": 10}, {"total_time": 95}]}'
    step = answer(200, highlight(PK, 31), x_app_usage='{"call_count": 1}', x_business_use_case_usage=both)
    assert await seconds_of(upstream(step, rate=10.0), 20) == pytest.approx(10.0, rel=0.05)


async def test_the_latest_answer_speaks() -> None:
    """The window has moved on, and so do we."""
    platform = upstream(*[told(95)] * 20, told(10), rate=10.0)
    assert await seconds_of(platform, 20) < 8.0


@pytest.mark.parametrize("text", ["", "}{", "[]", "95", '{"call_count": "many"}', '{"17841": 3}', "null"])
async def test_a_header_that_cannot_be_read_says_nothing(text: str) -> None:
    step = answer(200, highlight(PK, 31), x_app_usage=text, x_business_use_case_usage=text)
    assert await seconds_of(upstream(step, rate=10.0), 20) == pytest.approx(2.0, rel=0.05)


async def test_nothing_is_sent_until_access_is_regained() -> None:
    """A request before that would lengthen the wait. Whoever asks is told how long it is."""
    regain = '{"17841": [{"call_count": 100, "estimated_time_to_regain_access": 2}]}'
    platform = upstream(problem(80002, x_business_use_case_usage=regain), answer(200, highlight(PK, 31)))
    publisher = platform.publisher()
    waits = []
    for _ in range(2):
        with pytest.raises(UpstreamRateLimited) as caught:
            await publisher.highlight(NATGEO, PK)
        waits.append(caught.value.retry_after)
        await asyncio.sleep(30)
    assert waits == pytest.approx([120.0, 90.0])
    assert len(platform.requests) == 1
    await asyncio.sleep(61)
    assert (await publisher.highlight(NATGEO, PK)) is not None


LONG_AGO = [
    problem(4, retry_after="999999"),
    problem(4, retry_after="Thu, 12 Mar 9999 08:35:36 GMT"),
    answer(200, highlight(PK, 31), x_app_usage='{"estimated_time_to_regain_access": 1e300}'),
    problem(80002, x_business_use_case_usage='{"17841": [{"estimated_time_to_regain_access": 99999999}]}'),
]


@pytest.mark.parametrize("odd", LONG_AGO)
async def test_no_header_closes_an_account_for_more_than_an_hour(odd: httpx.Response) -> None:
    """It would be closed until a restart, though asking again costs nothing."""
    platform = upstream(odd, answer(200, highlight(PK, 31)))
    publisher = platform.publisher()
    with contextlib.suppress(UpstreamRateLimited):
        await publisher.highlight(NATGEO, PK)
    with pytest.raises(UpstreamRateLimited) as caught:
        await publisher.highlight(NATGEO, PK)
    assert caught.value.retry_after == pytest.approx(BELIEVED, abs=1)
    await asyncio.sleep(BELIEVED)
    assert (await publisher.highlight(NATGEO, PK)) is not None


async def test_what_was_said_of_a_limit_is_forgotten_after_an_hour() -> None:
    """An upstream that says nothing more would be asked slowly until a restart."""
    platform = upstream(*[told(1e9)] * 2, answer(200, highlight(PK, 31)), rate=10.0)
    publisher = platform.publisher()
    for _ in range(20):
        await publisher.highlight(NATGEO, PK)
    assert await seconds_between(publisher, platform, 20) == pytest.approx(40.0, rel=0.05)
    await asyncio.sleep(BELIEVED)
    for _ in range(11):
        await publisher.highlight(NATGEO, PK)
    assert await seconds_between(publisher, platform, 20) == pytest.approx(2.0, rel=0.05)


async def seconds_between(publisher: FullPublisher, platform: Upstream, calls: int) -> float:
    began = platform.clock.monotonic()
    for _ in range(calls):
        await publisher.highlight(NATGEO, PK)
    return platform.clock.monotonic() - began


async def test_a_rate_limit_that_names_its_end_is_waited_out_by_all() -> None:
    platform = upstream(problem(4, retry_after="30"), answer(200, highlight(PK, 31)))
    publisher = platform.publisher()
    for _ in range(3):
        with pytest.raises(UpstreamRateLimited):
            await publisher.highlight(NATGEO, PK)
    assert len(platform.requests) == 1


async def test_an_account_is_not_suspended_for_requests_that_the_gateway_itself_refuses() -> None:
    """Their turn would come too late, which the platform has not said."""
    platform = upstream(answer(200, highlight(PK, 31)), rate=0.01)
    publisher = platform.publisher()
    outcomes = await asyncio.gather(*(publisher.highlight(NATGEO, PK) for _ in range(4)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, UpstreamRateLimited)]
    assert [outcome.retry_after for outcome in refused] == pytest.approx([52, 152, 252], abs=0.01)
    await asyncio.sleep(1)
    await publisher.highlight(NATGEO, PK)
    assert len(outcomes) - len(refused) == 1

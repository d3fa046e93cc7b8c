"""Trying again: only what is free and may help, with jitter, Retry-After and a deadline, all in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call_events import RequestShed
from gateway.errors import UpstreamError, UpstreamRateLimited, UpstreamTimeout, UpstreamUnavailable
from gateway.queue_place import GATEWAY
from gateway.upstream.client.client import Policy
from gateway.upstream.client.exchange import LONGEST_WAIT, seconds_until
from tests.fakes.clock import EPOCH
from tests.upstream.harness import NATGEO, TRAY, Step, Upstream, answer

GOOD = answer(200, TRAY)
POLICY = Policy()
TRANSIENT: list[Step] = [
    *(answer(status, b"") for status in (408, 425, 429, 500, 501, 502, 503, 504, 520)),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("full"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ConnectionResetError("as an in-process transport says it"),
]


async def hang(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("step", TRANSIENT, ids=str)
async def test_free_and_transient_trouble_is_tried_again(step: Step) -> None:
    upstream = Upstream(step, GOOD)
    outcome = await upstream.api().fetch(NATGEO)
    assert outcome.problem is None
    assert (outcome.attempts, outcome.charged) == (2, 2)
    assert [(a.attempt, a.charged) for a in upstream.attempts] == [(1, 0), (2, 2)]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 422, 302])
async def test_nothing_else_is_tried_again(status: int) -> None:
    upstream = Upstream(answer(status, {"exc_type": "X"}), GOOD)
    assert (await upstream.api().fetch(NATGEO)).attempts == 1
    assert len(upstream.requests) == 1


async def test_attempts_are_bounded_and_the_last_error_stands() -> None:
    upstream = Upstream(answer(503, b""), answer(503, b""), answer(500, b"", retry_after="7"))
    outcome = await upstream.api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamUnavailable)
    assert (outcome.attempts, outcome.charged, outcome.problem.retry_after) == (POLICY.attempts, 0, 7)


async def test_waits_grow_and_hold_some_jitter() -> None:
    upstream = Upstream(answer(500, b""))
    await upstream.api(policy=replace(POLICY, attempts=4, jitter=0.1)).fetch(NATGEO)
    waits = [later - sooner for sooner, later in zip(upstream.times, upstream.times[1:], strict=False)]
    for wait, least in zip(waits, [0.2, 0.4, 0.8], strict=True):
        assert least <= wait <= least + 0.1 + 1e-6
    assert waits != [0.2, 0.4, 0.8]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured(status: int) -> None:
    upstream = Upstream(answer(status, b"", retry_after="3"), GOOD)
    await upstream.api().fetch(NATGEO)
    assert 3 < upstream.times[1] <= 3 + POLICY.jitter + 1e-6


async def test_retry_after_may_be_a_date() -> None:
    upstream = Upstream(answer(429, b"", retry_after="Thu, 12 Mar 2026 08:35:36 GMT"), GOOD)
    await upstream.api().fetch(NATGEO)
    assert 10 <= upstream.times[1] <= 10 + POLICY.jitter + 1e-6


async def test_a_429_without_a_time_means_a_second() -> None:
    upstream = Upstream(answer(429, b""), GOOD)
    await upstream.api().fetch(NATGEO)
    assert 1 <= upstream.times[1] <= 1 + POLICY.jitter + 1e-6


async def test_one_429_slows_everybody_down() -> None:
    upstream = Upstream(answer(429, b"", retry_after="2"), GOOD)
    api = upstream.api()
    first = asyncio.create_task(api.fetch(NATGEO))
    await asyncio.sleep(0.1)
    await asyncio.gather(first, *(api.fetch(NATGEO) for _ in range(3)))
    assert min(upstream.times[1:]) >= 2


async def test_a_retry_after_beyond_the_deadline_is_handed_on_instead_of_waited_for() -> None:
    upstream = Upstream(answer(429, b"", retry_after="3600"))
    outcome = await upstream.api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamRateLimited)
    assert outcome.problem.retry_after == 3600
    assert (outcome.attempts, outcome.seconds) == (1, 0)


async def test_no_call_outlives_its_deadline() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        return answer(503, b"")

    outcome = await Upstream(slow).api(policy=replace(POLICY, attempts=100)).fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamUnavailable)
    assert 30 <= outcome.seconds <= POLICY.deadline


async def test_a_hanging_upstream_is_in_doubt_at_the_deadline() -> None:
    """Here the transport keeps no read timeout of its own."""
    outcome = await Upstream(hang).api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamTimeout)
    assert (outcome.charged, outcome.in_doubt, outcome.seconds) == (2, True, POLICY.deadline)


async def test_a_call_whose_turn_would_come_too_late_is_refused_at_once_and_not_charged() -> None:
    upstream = Upstream(GOOD)
    api = upstream.api(rate=0.1)
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(8)))
    shed = [outcome for outcome in outcomes if isinstance(outcome.problem, UpstreamRateLimited)]
    assert (len(shed), len(upstream.requests), len(upstream.attempts)) == (3, 5, 5)
    assert {(o.charged, o.in_doubt, o.attempts, o.seconds) for o in shed} == {(0, False, 0, 0)}
    waits = [o.problem.retry_after for o in shed if isinstance(o.problem, UpstreamRateLimited)]
    assert waits == pytest.approx([7, 17, 27], abs=0.01)  # its turn would come after 50 seconds; it waits for 43
    assert [event.client for event in upstream.seen(RequestShed)] == [GATEWAY.id] * 3
    assert max(o.seconds for o in outcomes) <= POLICY.deadline


async def test_no_request_goes_out_too_late_to_be_heard() -> None:
    """It would be charged, and its answer thrown away. It is queued, and becomes late by what happens meanwhile."""
    pausing = answer(429, retry_after="30")
    upstream = Upstream(GOOD, pausing, GOOD)
    api = upstream.api(rate=1 / 11, policy=replace(POLICY, attempts=1, longest_wait=30.0))
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(4)))
    assert upstream.times == pytest.approx([0, 11, 41])  # and not at 44, a second before the deadline
    assert isinstance(outcomes[3].problem, UpstreamTimeout)
    assert outcomes[3].seconds == POLICY.deadline - POLICY.answer
    assert (outcomes[3].charged, outcomes[3].attempts) == (0, 0)


async def test_at_most_so_many_requests_are_on_their_way_at_once() -> None:
    busy = most = 0

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(1)
        busy -= 1
        return GOOD

    api = Upstream(count).api(policy=replace(POLICY, concurrency=7))
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(30)))
    assert (most, {outcome.problem for outcome in outcomes}) == (7, {None})


async def test_a_cancelled_call_is_an_attempt_that_may_have_been_charged() -> None:
    upstream = Upstream(hang)
    task = asyncio.create_task(upstream.api().fetch(NATGEO))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [attempt] = upstream.attempts
    assert (attempt.status, attempt.charged, attempt.seconds, attempt.error) == (None, 2, 1, "CANCELLED")


async def test_cancelled_calls_leave_their_slots_and_their_place_in_the_line() -> None:
    upstream = Upstream(hang, hang, GOOD)
    api = upstream.api(rate=1, policy=replace(POLICY, concurrency=2))
    doomed = [asyncio.create_task(api.fetch(NATGEO)) for _ in range(20)]
    await asyncio.sleep(1.5)
    for task in doomed:
        task.cancel()
    await asyncio.gather(*doomed, return_exceptions=True)
    assert len(upstream.requests) == 2
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(3)))
    assert [outcome.problem for outcome in outcomes] == [None, None, None]
    assert upstream.times[2:] == pytest.approx([2, 3, 4])


async def test_a_call_cancelled_in_its_turn_hands_its_slot_on() -> None:
    upstream = Upstream(GOOD)
    api = upstream.api(rate=1, policy=replace(POLICY, concurrency=1))
    await api.fetch(NATGEO)
    doomed = asyncio.create_task(api.fetch(NATGEO))
    await asyncio.sleep(0.5)
    doomed.cancel()
    assert (await api.fetch(NATGEO)).problem is None
    assert upstream.times == pytest.approx([0, 1])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("0", 0), ("1.5", 1.5), (" 7 ", 7), (None, None), ("", None), ("soon", None), ("-3", None), ("nan", None)],
        *[("999999", LONGEST_WAIT), ("31536000", LONGEST_WAIT), ("9" * 5_000, LONGEST_WAIT), ("1." + "0" * 99, 1)],
        ("Thu, 12 Mar 9999 08:35:36 GMT", LONGEST_WAIT),
        ("Thu, 12 Mar 2026 08:35:36 +99999999999999", None),
        ("99999999999999999999 Nov 2026 10:00:00", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_WAIT),
        ("Sat, 1 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_retry_after_is_seconds_or_nothing(text: str | None, seconds: float | None) -> None:
    assert seconds_until(text, EPOCH) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_date_in_the_past_means_now(zone: str) -> None:
    assert seconds_until(f"Thu, 12 Mar 2020 08:35:36 {zone}", EPOCH) == 0


DATES = st.from_regex(
    r"(Mon, )?[0-9]{1,4} (Jan|Feb|Foo) [0-9]{1,6} [0-9:]{1,9}( GMT| [+-][0-9]{1,18})?", fullmatch=True
)


@given(DATES | st.text())
def test_no_retry_after_can_hurt(text: str) -> None:
    seconds = seconds_until(text, EPOCH)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


@pytest.mark.parametrize(
    "text", ["999999", "Thu, 12 Mar 2026 08:35:36 +99999999999999", "99999999999999999999 Nov 2026 10:00:00"]
)
@pytest.mark.parametrize("status", [200, 429, 503])
async def test_an_odd_retry_after_makes_no_call_fail_otherwise(status: int, text: str) -> None:
    """And the calls after it are made."""
    upstream = Upstream(answer(status, b"{}", retry_after=text), GOOD)
    api = upstream.api()
    assert isinstance((await api.fetch(NATGEO)).problem, UpstreamError | None)
    assert (await api.fetch(NATGEO)).problem is None
    assert upstream.clock.monotonic() < POLICY.deadline

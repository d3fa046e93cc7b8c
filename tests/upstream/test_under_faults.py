"""Against the embedded upstream with a fifth of all calls failing: nothing hangs, and the books agree."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from gateway.errors import GatewayError, NotFound
from gateway.events import Event, UpstreamAttempt
from gateway.reads.endpoints import Call
from gateway.sandbox import create_sandbox, faults
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.client import connect
from tests.fakes.clock import VirtualClock

SHARE = 0.02
FAULTS: list[faults.AnyFault] = [
    *(faults.Status(rate=SHARE / 4, status=status) for status in (401, 402, 410, 429, 500, 503, 504)),
    faults.EdgeHtml(rate=SHARE, status=502),
    faults.EdgeHtml(rate=SHARE, status=403),
    faults.Hang(rate=SHARE),
    faults.DeadKeepAlive(rate=SHARE),
    faults.Truncated(rate=SHARE),
    faults.WrongTypes(rate=SHARE),
    faults.WrongShape(rate=SHARE),
    faults.Latency(rate=SHARE, seconds=3),
    faults.Info(rate=SHARE, spelling="text"),
    faults.Info(rate=SHARE, price=7),
]
CALLS = [
    Call(endpoints.TRAY, "787132"),
    Call(endpoints.TRAY, "787132", forced=True),
    Call(endpoints.TRAY_BY_USERNAME, "natgeo"),
    Call(endpoints.TRAY_BY_USERNAME, "empty.404"),
    Call(endpoints.TRAY_BY_USERNAME, "empty.list"),
    Call(endpoints.TRAY_BY_USERNAME, "private.person"),
    Call(endpoints.TRAY_BY_USERNAME, "integer.pk"),
    Call(endpoints.HIGHLIGHT, "18085475671830440"),
    Call(endpoints.HIGHLIGHT, "17983616051768088"),
    Call(endpoints.PROFILE, "787132"),
    Call(endpoints.PROFILE_BY_USERNAME, "nobody.at.all"),
    Call(endpoints.ITEM, "3772053608293416704"),
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_call_ends_typed_in_time_and_charged_as_billed(seed: int) -> None:
    clock, events, policy = VirtualClock(), list[Event](), Policy()
    sandbox = create_sandbox(clock=clock)
    state = sandbox.state.sandbox
    state.faults.lay(*FAULTS, seed=seed)

    def hook(event: Event) -> None:
        events.append(event)

    api = connect(
        base_url="http://sandbox.test",
        key="sandbox",
        clock=clock,
        hook=hook,
        rate=500,
        transport=httpx.ASGITransport(sandbox),
        policy=policy,
    )
    calls = random.Random(seed).choices(CALLS, k=1_000)
    outcomes = await asyncio.gather(*(api.fetch(call) for call in calls))
    for outcome in outcomes:
        assert (outcome.value is None) == isinstance(outcome.problem, GatewayError)
        assert outcome.seconds <= policy.deadline + 1e-6
        assert outcome.call.key == "nobody.at.all" or not isinstance(outcome.problem, NotFound)
    attempts = [event for event in events if isinstance(event, UpstreamAttempt)]
    assert sum(outcome.charged for outcome in outcomes) == state.meter.total_billed
    assert sum(attempt.charged for attempt in attempts) == state.meter.total_billed
    assert sum(outcome.attempts for outcome in outcomes) == len(attempts)
    assert sum(outcome.problem is None for outcome in outcomes) > 600
    await api.aclose()

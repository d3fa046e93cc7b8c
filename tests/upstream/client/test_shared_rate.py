"""The rate of an upstream that several processes share."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamTimeout
from gateway.upstream.client.client import Policy
from gateway.upstream.client.shared_rate import shared_turn
from gateway.upstream.client.token_bucket import TokenBucket
from tests.fakes.clock import ManualClock
from tests.upstream.harness import NATGEO, TRAY, Upstream, answer

PATIENCE = 40.0


class Others:
    """The bucket of all processes, which says when the next token is due."""

    processes = 4

    def __init__(self, *waits: float | None) -> None:
        self._waits = list(waits)
        self.rates: list[float] = []

    async def reserve(self, rate: float) -> float | None:
        self.rates.append(rate)
        return self._waits.pop(0)


async def test_a_request_waits_for_its_turn_among_all_and_the_next_ones_wait_in_the_queue() -> None:
    clock = ManualClock()
    bucket = TokenBucket(10.0, clock)
    assert await shared_turn(Others(0.0), bucket, clock, PATIENCE) == 0
    assert bucket.take()
    slept: list[float] = []

    class Sleeping(ManualClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(bucket.wait())
            await super().sleep(seconds)

    assert await shared_turn(Others(0.5), bucket, Sleeping(), PATIENCE) == 0.5
    assert slept == [pytest.approx(0.5)]


async def test_without_the_shared_bucket_each_process_has_an_equal_part() -> None:
    clock = ManualClock()
    bucket, others = TokenBucket(10.0, clock), Others(None, None, 0.0)
    await shared_turn(others, bucket, clock, PATIENCE)
    assert bucket.rate == 2.5
    bucket.change(20.0)
    assert bucket.rate == 5.0
    await shared_turn(others, bucket, clock, PATIENCE)
    await shared_turn(others, bucket, clock, PATIENCE)
    assert bucket.rate == 20.0
    assert others.rates == [10.0, 20.0, 20.0]


async def test_a_request_whose_turn_among_all_comes_too_late_is_not_sent() -> None:
    """It would be charged, and its response discarded."""
    upstream, policy = Upstream(answer(body=TRAY)), Policy(deadline=5.0, answer=2.0, concurrency=1)
    api = upstream.api(policy=policy, shared_rate=Others(3.5, 2.5))
    outcome = await api.fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamTimeout)
    assert (outcome.charged, upstream.requests) == (0, [])
    assert upstream.clock.monotonic() < 3.5, "it is known at once"
    await upstream.clock.sleep(3.5)
    assert (await api.fetch(NATGEO)).problem is None

"""The rate of an upstream, without any order."""

from __future__ import annotations

import pytest

from gateway.upstream.client.token_bucket import TokenBucket
from tests.fakes.clock import ManualClock


@pytest.mark.parametrize(("rate", "burst"), [(4, 4), (1, 1), (0.25, 1)])
def test_a_burst_is_that_of_one_second_and_one_at_least(rate: float, burst: int) -> None:
    bucket = TokenBucket(rate, ManualClock())
    assert [bucket.take() for _ in range(burst + 1)] == [True] * burst + [False]
    assert bucket.wait() == pytest.approx(1 / rate)


def test_the_wait_for_several_is_that_until_the_last_of_them() -> None:
    clock = ManualClock()
    bucket = TokenBucket(4, clock)
    assert (bucket.wait(4), bucket.wait(5), bucket.wait(12)) == pytest.approx((0, 0.25, 2))
    clock.advance(100)  # tokens above the burst are lost
    assert bucket.wait(12) == pytest.approx(2)


def test_a_token_that_is_given_back_can_be_taken() -> None:
    bucket = TokenBucket(1, ManualClock())
    assert bucket.take()
    bucket.give_back()
    bucket.give_back()  # there are never more than the burst
    assert [bucket.take(), bucket.take()] == [True, False]


def test_a_lower_rate_takes_back_what_was_saved_up() -> None:
    bucket = TokenBucket(15, ManualClock())
    bucket.change(1)
    assert bucket.rate == 1
    assert [bucket.take(), bucket.take()] == [True, False]


def test_pauses_do_not_add_up() -> None:
    clock = ManualClock()
    bucket = TokenBucket(10, clock)
    for _ in range(5):
        bucket.pause(2)
    assert bucket.wait() == pytest.approx(2)
    clock.advance(2)
    assert [bucket.take(), bucket.take()] == [True, False]

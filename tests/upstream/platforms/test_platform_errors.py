"""The Platform API's error table, row by row: what is final, what to wait for, and for how long."""

from __future__ import annotations

import httpx
import pytest

from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    GatewayError,
    MediumRefused,
    PermissionMissing,
    PublishingError,
    PublishingRejected,
    QuotaExhausted,
    UpstreamError,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.events import CircuitBreakerStateChanged, UpstreamAttempt
from tests.upstream.platforms.stub import KEY, NATGEO, Step, Upstream, answer, problem, upstream

REGAIN = '{"17841": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 10}]}'


async def refused(step: Step) -> tuple[Upstream, GatewayError]:
    platform = upstream(step)
    with pytest.raises(GatewayError) as caught:
        await platform.publisher().publish(NATGEO, "18", key=KEY)
    return platform, caught.value


@pytest.mark.parametrize(
    ("step", "error", "wait"),
    [
        *((problem(code), UpstreamRateLimited, None) for code in (4, 17, 32, 613, 80002)),
        *((problem(code, status=429), UpstreamRateLimited, None) for code in (4, 613, None)),
        (problem(4, status=429, retry_after="7"), UpstreamRateLimited, 7.0),
        (problem(17, retry_after="7"), UpstreamRateLimited, 7.0),
        (problem(80002, x_business_use_case_usage=REGAIN), UpstreamRateLimited, 600.0),
        (problem(80002, x_business_use_case_usage=REGAIN, retry_after="9"), UpstreamRateLimited, 9.0),
        (problem(80002, x_business_use_case_usage="}{"), UpstreamRateLimited, None),
        (problem(-1, 2207001, 500, is_transient=True), UpstreamUnavailable, None),
        (problem(-2, 2207003, is_transient=True), UpstreamUnavailable, None),
        (problem(-1, 2207001, retry_after="2"), UpstreamUnavailable, 2.0),
        (problem(1, status=503), UpstreamUnavailable, None),
        (problem(2, is_transient=True), UpstreamUnavailable, None),
        (problem(9007, 2207027), UpstreamUnavailable, None),
        (problem(9007, 2207027, retry_after="3"), UpstreamUnavailable, 3.0),
        (answer(502, b"<html>bad gateway</html>"), UpstreamUnavailable, None),
        (answer(503, b"", retry_after="5"), UpstreamUnavailable, 5.0),
        (answer(429, b"slow down", retry_after="8"), UpstreamRateLimited, 8.0),
        (answer(401, b"<html>who are you</html>"), UpstreamInvalidAnswer, None),
        (answer(302, b"", location="/login"), UpstreamInvalidAnswer, None),
        (httpx.ConnectError("x"), UpstreamUnavailable, None),
        (httpx.ReadTimeout("x"), UpstreamTimeout, None),
        (httpx.DecodingError("x"), UpstreamInvalidAnswer, None),
    ],
)
async def test_what_passes_is_told_with_the_wait_that_was_named(
    step: Step, error: type[UpstreamError], wait: float | None
) -> None:
    _, caught = await refused(step)
    assert isinstance(caught, error)
    assert isinstance(caught, UpstreamError)
    assert caught.retry_after == wait


@pytest.mark.parametrize(
    ("step", "error", "words"),
    [
        (problem(190, 458, 401), AccountDisconnected, "removed the app"),
        (problem(190, 460, 401), AccountDisconnected, "password"),
        (problem(190, 463), AccountDisconnected, "expired"),
        (problem(190, 467), AccountDisconnected, "invalid"),
        (problem(190), AccountDisconnected, "token"),
        (problem("190"), AccountDisconnected, "token"),
        (problem(None, status=401), AccountDisconnected, "token"),
        (problem(10, status=403), PermissionMissing, "permission"),
        (problem(200, status=403), PermissionMissing, "permission"),
        (problem(299, status=403), PermissionMissing, "permission"),
        (problem(9, 2207042), QuotaExhausted, "publications"),
        (problem(24, 2207008), ContainerExpired, "gone"),
        (problem(352, 2207026), MediumRefused, "format of the video"),
        (problem(36000, 2207004), MediumRefused, "too large"),
        (problem(36001, 2207005), MediumRefused, "format of the image"),
        (problem(36003, 2207009), MediumRefused, "ratio"),
        (problem(9004, 2207052), MediumRefused, "fetch"),
        (problem(9004), MediumRefused, "fetch"),
        (answer(413, b"<html>too large</html>"), MediumRefused, "too large"),
        (problem(100, status=413), MediumRefused, "too large"),
        (problem(100, status=422, type="IdempotencyKeyReused"), PublishingRejected, "idempotency key"),
        (problem(100), PublishingRejected, "refused"),
        (problem(9, 2207051), PublishingRejected, "refused"),
        (problem(300), PublishingRejected, "refused"),
    ],
)
async def test_what_is_final_says_what_to_mend(step: Step, error: type[PublishingError], words: str) -> None:
    _, caught = await refused(step)
    assert type(caught) is error
    assert words in caught.message
    assert "own words" not in caught.message + repr(caught.extensions)


async def test_a_used_up_quota_names_when_it_frees() -> None:
    _, caught = await refused(problem(9, 2207042, retry_after="3600"))
    assert caught.extensions == {"code": "PUBLISHING_QUOTA_EXHAUSTED", "retryAfter": 3600.0}


async def test_one_method_makes_one_attempt() -> None:
    """The flow's steps own the retries: another owner would multiply them."""
    platform, _ = await refused(problem(-1, 2207001, 500, is_transient=True))
    assert len(platform.requests) == 1
    assert [event.error for event in platform.seen(UpstreamAttempt)] == [None, "UPSTREAM_UNAVAILABLE"]


async def test_a_failing_upstream_is_left_alone_for_a_while() -> None:
    """And its breaker says whose it is: reads go on."""
    platform = upstream(answer(500, b""))
    publisher = platform.publisher()
    for _ in range(platform.policy.failures + 1):
        with pytest.raises(UpstreamUnavailable) as caught:
            await publisher.publish(NATGEO, "18", key=KEY)
    assert len(platform.requests) == platform.policy.failures
    assert caught.value.retry_after is not None
    assert platform.seen(CircuitBreakerStateChanged) == [CircuitBreakerStateChanged("opened", "publishing")]

"""Likes in both dialects: what goes out, what becomes of each answer, and that a repetition is harmless."""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qs

import pytest

from gateway.errors import (
    GatewayError,
    NotFound,
    PublishingRejected,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamUnavailable,
)
from gateway.publishing.registry import FlowKind
from gateway.upstream.platforms.dialects import Dialect
from gateway.upstream.platforms.likes import Likes
from tests.upstream.platforms.sandboxed import BOTH, House
from tests.upstream.platforms.stub import NATGEO, Step, Upstream, answer, problem, upstream

MEDIA = "3286412355219875123_25025320"
UNKNOWN = "9223372036854775807"  # of the year 2049


def likes(stub: Upstream) -> Likes:
    return cast(Likes, stub.publisher())


@BOTH
async def test_both_dialects_can_do_every_write(dialect: Dialect) -> None:
    publisher = upstream(answer(200, True), dialect=dialect).publisher()
    assert [kind for kind in FlowKind if not kind.row.is_supported_by(publisher)] == []


async def test_the_platform_has_likes_below_the_media() -> None:
    stub = upstream(answer(200, {"success": True}), answer(204))
    await likes(stub).set_like(NATGEO, MEDIA, liked=True)
    await likes(stub).set_like(NATGEO, MEDIA, liked=False)
    sent = [(request.method, request.url.path, request.content) for request in stub.requests]
    assert sent == [("POST", f"/media/{MEDIA}/likes", b""), ("DELETE", f"/media/{MEDIA}/likes", b"")]


async def test_aiograpi_has_one_route_that_names_the_media() -> None:
    stub = upstream(answer(200, True), dialect=Dialect.AIOGRAPI)
    await likes(stub).set_like(NATGEO, MEDIA, liked=True)
    await likes(stub).set_like(NATGEO, MEDIA, liked=False)
    like, unlike = stub.requests
    assert (like.method, like.url.path, parse_qs(like.content.decode())) == (
        "POST",
        "/media/like",
        {"media_id": [MEDIA]},
    )
    assert (unlike.method, str(unlike.url.query, "ascii")) == ("DELETE", f"media_id={MEDIA}")


@pytest.mark.parametrize(
    ("dialect", "step", "error"),
    [
        (Dialect.PLATFORM, problem(100, status=404), NotFound),
        (Dialect.PLATFORM, answer(503), UpstreamUnavailable),
        (Dialect.PLATFORM, problem(17, status=400), UpstreamRateLimited),
        (Dialect.AIOGRAPI, answer(500, {"detail": "x", "exc_type": "MediaNotFound"}), UpstreamUnavailable),
        (Dialect.AIOGRAPI, answer(429, {"detail": "x", "exc_type": "FeedbackRequired"}), UpstreamRateLimited),
        (Dialect.AIOGRAPI, answer(200, False), PublishingRejected),
        (Dialect.AIOGRAPI, answer(200, b"<html>"), UpstreamInvalidAnswer),
    ],
)
async def test_a_like_that_was_not_set_is_an_error(dialect: Dialect, step: Step, error: type[GatewayError]) -> None:
    with pytest.raises(GatewayError) as caught:
        await likes(upstream(step, dialect=dialect)).set_like(NATGEO, MEDIA, liked=True)
    assert type(caught.value) is error


async def test_a_media_that_is_gone_needs_no_withdrawal() -> None:
    await likes(upstream(problem(100, status=404))).set_like(NATGEO, MEDIA, liked=False)


@BOTH
async def test_the_sandbox_takes_a_like_as_often_as_it_comes(dialect: Dialect) -> None:
    house = House(dialect)
    publisher = cast(Likes, house.publisher)
    for liked in (True, True, False, False):
        await publisher.set_like(NATGEO, MEDIA, liked=liked)
        assert len(house.sandbox.publishing.likes.all) == liked
    with pytest.raises(GatewayError):
        await publisher.set_like(NATGEO, UNKNOWN, liked=True)
    assert house.drift == []

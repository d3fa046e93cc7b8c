"""One post, as HikerAPI sends it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.domain.media import Media
from gateway.domain.models import MediaKind
from gateway.domain.partial import WHOLE, lost
from gateway.errors import NotFound, PrivateAccount, UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.reads.facts import user_of
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import Upstream, answer

CALL = Call(endpoints.MEDIA, "11")
POST = {
    "pk": "11",
    "id": "11_7",
    "code": "L",
    "taken_at": "2026-03-15T00:00:00Z",
    "media_type": 8,
    "user": {"pk": "7", "username": "ann"},
    "like_count": 5_000_000_000,
    "usertags": [{"user": {"pk": 8, "username": "bob"}, "x": 0.5, "y": 0.25}],
    "resources": [{"pk": "12", "media_type": 2, "carousel_parent_id": "11_7", "taken_at": 1}],
    "is_spatial_image": False,
}


async def fetched(**changes: Any) -> Any:
    upstream = Upstream(answer(200, POST | changes))
    outcome = await upstream.api().fetch(CALL)
    assert outcome.charged == 1
    if outcome.problem is None:
        assert CALL.read(outcome.body) == outcome.value
    return outcome


async def test_absent_fields_are_null_and_unknown_ones_are_ignored() -> None:
    post = (await fetched()).value
    assert isinstance(post, Media)
    assert (post.id, post.kind, post.like_count) == ("media:11", MediaKind.ALBUM, 5_000_000_000)
    assert post.taken_at == datetime(2026, 3, 15, tzinfo=UTC)
    assert (post.caption, post.thumbnail_url, post.sponsors) == (None, None, None)
    assert [(child.id, child.kind) for child in post.children] == [("12", MediaKind.VIDEO)]
    user = user_of(post)
    assert user is not None
    assert user.username == "ann"


@pytest.mark.parametrize(
    ("status", "exc_type", "problem"), [(404, "MediaNotFound", NotFound), (403, "PrivateAccount", PrivateAccount)]
)
async def test_absent_and_private_posts(status: int, exc_type: str, problem: type[Exception]) -> None:
    response = httpx.Response(status, json={"detail": "no", "exc_type": exc_type})
    outcome = await Upstream(response).api().fetch(CALL)
    assert isinstance(outcome.problem, problem)
    assert outcome.charged == 1


async def test_another_post_is_no_answer() -> None:
    assert isinstance((await fetched(pk="12")).problem, UpstreamInvalidAnswer)


@pytest.mark.parametrize(
    ("odd", "attribute"),
    [
        ({"user": "ann"}, "author"),
        ({"taken_at": "soon"}, "taken_at"),
        ({"like_count": "many"}, "like_count"),
        ({"code": ["L"]}, "url"),
    ],
)
async def test_an_odd_part_costs_itself(odd: dict[str, Any], attribute: str) -> None:
    post = (await fetched(**odd)).value
    assert (getattr(post, attribute), lost(post, attribute)) == (None, WHOLE)
    assert post.children[0].pk == "12"


async def test_the_size_is_in_the_versions() -> None:
    versions = [{"url": "u", "width": 1080, "height": 1350}, {"url": "v", "width": 1, "height": 1}]
    post = (await fetched(image_versions=versions)).value
    assert (post.width, post.height, post.children[0].width) == (1080, 1350, None)
    odd = (await fetched(image_versions=["text"])).value
    assert (odd.width, lost(odd, "width"), odd.code) == (None, WHOLE, "L")


async def test_an_odd_tag_is_left_out() -> None:
    post = (await fetched(usertags=[{"x": 1}, *POST["usertags"]])).value  # type: ignore[misc]
    assert ([tag.user.id for tag in post.mentions], lost(post, "mentions")) == (["8"], 1)

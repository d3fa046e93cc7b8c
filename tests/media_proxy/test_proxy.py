"""The media proxy over the wire: what it gives to pages."""

from __future__ import annotations

import asyncio

import pytest

from gateway.media_proxy.proxy import SMALL, identity
from tests.media_proxy.harness import FILM, LIFE, PHOTO, Stage
from tests.media_proxy.servers import says


async def test_a_page_of_any_site_gets_the_picture(stage: Stage) -> None:
    answer = await stage.get()
    assert (answer.status_code, answer.content) == (200, PHOTO)
    told = answer.headers
    assert told["content-type"] == "image/jpeg"
    assert told["content-length"] == str(len(PHOTO))
    assert told["cross-origin-resource-policy"] == "cross-origin"
    assert told["access-control-allow-origin"] == "*"
    assert told["x-content-type-options"] == "nosniff"
    assert told["content-security-policy"] == "default-src 'none'; sandbox"
    assert told["accept-ranges"] == "bytes"


async def test_nothing_of_the_client_goes_to_the_picture_server(stage: Stage) -> None:
    keys = {"authorization": "Bearer key", "x_api_key": "key"}  # pragma: allowlist secret
    await stage.get(cookie="a=b", referer="http://page.test/", **keys)
    (asked,) = stage.host.asked
    assert set(asked.headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert asked.headers["accept-encoding"] == "identity"


async def test_a_browser_may_keep_it_until_it_expires(stage: Stage) -> None:
    stage.clock.advance(400)
    assert (await stage.get()).headers["cache-control"] == f"public, max-age={LIFE - 400}, immutable"


async def test_who_has_it_already_is_told_so_without_a_look(stage: Stage) -> None:
    etag = (await stage.get()).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await stage.get(stage.url("/v/1_n.jpg?oh=resigned&oe=c"), if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "cache-control" in answer.headers
    assert len(stage.host.asked) == 1
    assert (await stage.get(if_none_match='"other"')).status_code == 200


async def test_head_tells_what_get_would(stage: Stage, cinema: Stage) -> None:
    for one in (stage, cinema):
        head, get = await one.client.head(one.link()), await one.client.get(one.link())
        assert head.content == b""
        assert head.headers == get.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_media_are_only_read(stage: Stage, method: str) -> None:
    answer = await stage.client.request(method, stage.link())
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_page_may_ask_for_parts_across_origins(stage: Stage) -> None:
    answer = await stage.client.options(stage.link(), headers={"origin": "https://page.test"})
    assert answer.status_code == 204
    assert "range" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("part", "begin", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, len(PHOTO)), ("bytes=-50", -50, None), ("bytes=5-999999", 5, None)],
)
async def test_a_part_of_a_small_medium_comes_from_memory(stage: Stage, part: str, begin: int, end: int | None) -> None:
    await stage.get()
    answer = await stage.get(range=part)
    expected = PHOTO[begin:end]
    first = PHOTO.index(expected) if begin >= 0 else len(PHOTO) + begin
    first = begin if begin >= 0 else first
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(PHOTO)}"
    assert answer.headers["content-length"] == str(len(expected))
    assert len(stage.host.asked) == 1


async def test_a_part_of_a_large_medium_is_asked_for_as_such(cinema: Stage) -> None:
    answer = await cinema.get(range="bytes=1000-1999")
    assert (answer.status_code, answer.content) == (206, FILM[1000:2000])
    assert answer.headers["content-range"] == f"bytes 1000-1999/{len(FILM)}"
    assert cinema.host.asked[-1].headers["range"] == "bytes=1000-1999"


async def test_a_server_that_knows_no_parts_is_read_up_to_them(cinema: Stage) -> None:
    cinema.host.answer = says(body=FILM, content_type="video/mp4")
    for part, expected in [("bytes=70000-139999", FILM[70_000:140_000]), ("bytes=-10", FILM[-10:])]:
        answer = await cinema.get(range=part)
        assert (answer.status_code, answer.content) == (206, expected)


async def test_bytes_that_are_not_there_cannot_be_had(stage: Stage, cinema: Stage) -> None:
    for one, size in ((stage, len(PHOTO)), (cinema, len(FILM))):
        one.host.answer = says(body=PHOTO if one is stage else FILM, content_type="video/mp4")
        answer = await one.get(range=f"bytes={size}-")
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
    cinema.host.answer = says("416 Range Not Satisfiable", content_range="bytes */7")
    answer = await cinema.get(range="bytes=9999999-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */7")


async def test_a_part_of_another_medium_is_not_mixed_in(stage: Stage) -> None:
    etag = (await stage.get()).headers["etag"]
    assert (await stage.get(range="bytes=0-9", if_range=etag)).status_code == 206
    assert (await stage.get(range="bytes=0-9", if_range='"other"')).status_code == 200
    assert (await stage.get(range="bytes=0-1,4-5")).status_code == 200


async def test_a_small_medium_is_fetched_once_for_all_who_want_it(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.get() for _ in range(50)))
    assert {answer.content for answer in answers} == {PHOTO}
    assert len(stage.host.asked) == 1


async def test_what_is_kept_is_bounded_and_does_not_last(stage: Stage) -> None:
    for number in range(10):
        stage.host.answer = says(body=bytes([number]) * (SMALL - 1_000), content_type="image/png")
        answer = await stage.get(stage.url(f"/v/{number}.png"))
        assert answer.content[:1] == bytes([number])
    asked = len(stage.host.asked)
    await stage.get(stage.url("/v/9.png"))
    assert len(stage.host.asked) == asked
    await stage.get(stage.url("/v/0.png"))
    assert len(stage.host.asked) == asked + 1


def test_a_picture_is_the_same_however_its_url_is_signed_and_no_other_is() -> None:
    one = identity("https://a.cdninstagram.com/v/1.jpg?stp=small&oh=a&oe=b&_nc_ohc=c")
    assert one == identity("https://b.fbcdn.net/v/1.jpg?oe=x&stp=small&oh=y")
    assert one != identity("https://a.cdninstagram.com/v/1.jpg?stp=large&oh=a&oe=b")
    assert one != identity("https://a.cdninstagram.com/v/2.jpg?stp=small&oh=a&oe=b")

"""The media proxy over the wire: what it withstands from those who ask and from the servers it asks."""

from __future__ import annotations

import asyncio

import pytest

from gateway.media_proxy.signed_urls import MediaClaims
from tests.fakes.clock import EPOCH
from tests.media_proxy.harness import LIFE, PHOTO, TOKENS, Page, Stage, endless, staged
from tests.media_proxy.servers import ELSEWHERE, HERE, Answer, Asked, says

# The tokens.


async def test_a_token_that_was_changed_is_unknown(stage: Stage) -> None:
    link = stage.link()
    for other in (link[:-1] + ("A" if link[-1] != "A" else "B"), "/media/x", "/media/" + "A" * 8_000):
        answer = await stage.client.get(other)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert stage.host.asked == []


async def test_a_token_that_is_shown_again_after_its_time_is_refused_even_if_the_picture_is_kept(stage: Stage) -> None:
    link = stage.link()
    assert (await stage.client.get(link)).status_code == 200
    stage.clock.advance(LIFE)
    for headers in ({}, {"if-none-match": "*"}, {"range": "bytes=0-1"}):
        answer = await stage.client.get(link, headers=headers)
        assert (answer.status_code, answer.headers["cache-control"]) == (410, "no-store")
    assert len(stage.host.asked) == 1


# Where it goes.


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg", "https://cdninstagram.com/a.jpg", "https://evilcdninstagram.com/a.jpg",
        "https://scontent.cdninstagram.com.evil.test/a.jpg", "https://127.0.0.1/a.jpg", "http://a.cdninstagram.com/a.jpg",
        "https://a.cdninstagram.com:22/a.jpg", "https://x@a.cdninstagram.com/", "file:///etc/passwd", "", "x",
    ],
)  # fmt: skip
async def test_only_picture_servers_are_asked(stage: Stage, url: str) -> None:
    """Even if a token names another: the key may have leaked."""
    answer = await stage.client.get("/media/" + TOKENS.sign(MediaClaims(url, "", int(EPOCH) + LIFE)))
    assert answer.status_code == 502
    assert stage.host.asked == []
    assert stage.renewals == []
    assert stage.host.lookups == []


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:{port}/", "https://127.0.0.2/", "https://10.0.0.1/", "https://[::1]:{port}/",
        "https://169.254.169.254/latest/meta-data/", "http://scontent.cdninstagram.com:{port}/", "https://localhost/",
        "https://media.example.com:{port}/a.jpg", "//evil.example.com:{port}/", "file:///etc/passwd", "https://[",
        "https://scontent.cdninstagram.com@evil.example.com:{port}/", "https://inside.cdninstagram.com:{port}/",
    ],
)  # fmt: skip
async def test_a_redirect_to_elsewhere_is_not_followed(stage: Stage, location: str) -> None:
    """The last one has the right name, and leads to a private address."""
    stage.host.names["inside.cdninstagram.com"] = [[ELSEWHERE]]
    stage.host.answer = says("302 Found", location=location.format(port=stage.host.port))
    answer = await stage.get()
    assert answer.status_code == 502
    assert len(stage.host.asked) == 1


async def test_a_redirect_among_picture_servers_is_followed_and_a_circle_is_not(stage: Stage) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.target == "/here":
            await says(body=PHOTO, content_type="image/jpeg")(asked, writer)
        else:
            onward = stage.url("/here" if asked.target == "/there" else asked.target, name="a.fbcdn.net")
            await says("301 Moved Permanently", location=onward)(asked, writer)

    stage.host.answer = answer
    assert (await stage.get(stage.url("/there"))).content == PHOTO
    assert (await stage.get(stage.url("/round"))).status_code == 502
    assert len(stage.host.asked) == 2 + 6


@pytest.mark.parametrize("names", [[[ELSEWHERE]], [["10.0.0.1", HERE]], [["::1"]], [[]]])
async def test_a_name_that_leads_inside_is_not_followed(stage: Stage, names: list[list[str]]) -> None:
    stage.host.names["scontent.cdninstagram.com"] = list(names)
    answer = await stage.get()
    reached = HERE in names[0]
    assert answer.status_code == (200 if reached else 502)
    assert len(stage.host.asked) == (1 if reached else 0)


async def test_a_name_that_leads_inside_the_second_time_is_not_followed(stage: Stage) -> None:
    """Each connection is to an address that was looked at, whatever was looked at before."""
    stage.host.names["scontent.cdninstagram.com"] = [[HERE], [ELSEWHERE]]
    stage.host.answer = says("503 Service Unavailable", connection="close")
    assert (await stage.get()).status_code == 502
    assert (await stage.get()).status_code == 502
    assert len(stage.host.lookups) == 2
    assert len(stage.host.asked) == 1


# What picture servers may send.


@pytest.mark.parametrize(
    "told",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"content_type": "application/javascript"},
        {"content_type": ""},
        {"content_type": "image/jpeg", "content_encoding": "gzip"},
        {"content_type": "multipart/byteranges; boundary=x"},
    ],
)
async def test_what_is_no_picture_and_no_video_is_not_passed_on(stage: Stage, told: dict[str, str]) -> None:
    stage.host.answer = says(body=b"<script>alert(1)</script>", **told)
    answer = await stage.get()
    assert answer.status_code == 502
    assert b"script" not in answer.content


async def test_no_header_of_the_picture_server_is_passed_on(stage: Stage) -> None:
    stage.host.answer = says(
        body=PHOTO, content_type="image/jpeg; charset=x", set_cookie="a=b", x_fb="1", refresh="0;url=/"
    )
    answer = await stage.get()
    assert answer.headers["content-type"] == "image/jpeg"
    assert not {"set-cookie", "x-fb", "refresh"} & set(answer.headers)


def raw(head: str, *pieces: bytes, ends: bool = True) -> Answer:
    """Writes as it is told, and then closes the connection, or leaves it open and silent."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\n{head}\r\n".encode())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if not ends:
            await asyncio.Event().wait()
        writer.close()
        raise ConnectionError

    return answer


async def test_a_body_that_is_shorter_than_promised_is_no_picture(stage: Stage) -> None:
    stage.host.answer = raw("content-length: 1000\r\n", b"x" * 10)
    assert (await stage.get()).status_code == 502
    stage.host.answer = says(body=PHOTO, content_type="image/jpeg")
    assert (await stage.get()).content == PHOTO


async def test_a_body_that_is_longer_than_promised_ends_where_it_should(stage: Stage) -> None:
    stage.host.answer = raw("content-length: 10\r\n", b"x" * 1_000)
    answer = await stage.get()
    assert answer.status_code == 502 or answer.content == b"x" * 10


@pytest.mark.parametrize("length", ["content-length: 99999999999\r\n", "content-length: 300000000\r\n"])
async def test_a_body_that_promises_too_much_is_not_begun(stage: Stage, length: str) -> None:
    stage.host.answer = raw(length, b"x")
    assert (await stage.get()).status_code == 502


@pytest.mark.parametrize("head", ["content-length: -1\r\n", "content-length: 1\r\ncontent-length: 2\r\n", "x" * 70_000])
async def test_a_head_that_makes_no_sense_is_no_picture(stage: Stage, head: str) -> None:
    stage.host.answer = raw(head, b"x")
    assert (await stage.get()).status_code == 502


async def test_a_body_without_end_is_cut() -> None:
    """The client sees an answer that breaks off, not one that is complete."""
    async with staged(endless, largest=5_000_000) as stage:
        page = Page(stage)
        await asyncio.wait_for(page.ask(), 30)
    assert page.status == 200
    assert 1_000_000 < page.size <= 5_000_000
    assert not page.is_complete


@pytest.mark.parametrize("is_begun", [True, False])
async def test_a_sender_that_falls_silent_is_given_up(is_begun: bool) -> None:
    answer = raw("content-length: 1000\r\n", b"x", ends=False) if is_begun else silent
    async with staged(answer, silence=0.05) as stage:
        assert (await stage.get()).status_code == 504


async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()

"""Over real sockets, through the transport in use: what a dying connection means."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import replace

import httpx
import pytest

from gateway.errors import UpstreamInvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from gateway.upstream.client.aiohttp_transport import aiohttp_transport
from tests.upstream.harness import TRAY
from tests.upstream.sockets import GOOD, HEAD, QUICK, Request, good, serving

LOOP = asyncio.SelectorEventLoop


async def test_one_connection_serves_call_after_call() -> None:
    async with serving(good) as setting:
        for _ in range(3):
            assert (await setting.fetch()).body == TRAY
        assert setting.server.connections == 1
        head = setting.server.requests[0].head.lower()
        assert b"get /v1/user/highlights?user_id=787132 http/1.1" in head
        assert head.count(b"user-agent: highlights-gateway/") == 1
        assert head.count(b"accept-encoding:") == 1


async def test_a_call_on_a_dead_keep_alive_is_sent_again_and_both_attempts_are_told() -> None:
    """The connection breaks before any byte of a response, which is free. No library may repeat the call by itself."""

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.number == 2:
            writer.close()
        else:
            writer.write(GOOD)

    async with serving(serve) as setting:
        assert (await setting.fetch()).attempts == 1
        outcome = await setting.fetch()
        assert (outcome.problem, outcome.charged, outcome.attempts) == (None, 2, 2)
        assert [(a.attempt, a.status, a.charged) for a in setting.attempts] == [(1, 200, 2), (1, None, 0), (2, 200, 2)]
        assert len(setting.server.requests) == 3


async def test_a_server_that_closes_idle_connections_harms_nobody() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        await writer.drain()
        writer.close()

    async with serving(serve) as setting:
        outcomes = [await setting.fetch() for _ in range(20)]
        assert {outcome.problem for outcome in outcomes} == {None}
        assert sum(outcome.charged for outcome in outcomes) == 40


async def test_every_connection_that_dies_at_once_is_counted() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamUnavailable)
        assert (outcome.charged, outcome.in_doubt, outcome.attempts) == (0, False, 3)
        assert len(setting.server.requests) == 3


@pytest.mark.parametrize("rest", [b"HTTP/1.1 200 OK\r\n", HEAD, b"HTTP/1.1 2"], ids=["status", "head", "half a line"])
async def test_an_answer_that_ends_within_its_head_may_have_been_charged(rest: bytes) -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(rest)
        await writer.drain()
        writer.close()

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert (outcome.charged, outcome.in_doubt, outcome.attempts) == (2, True, 1)
        assert len(setting.server.requests) == 1


async def test_a_truncated_body_was_charged_and_is_not_asked_for_again() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[:-100])
        await writer.drain()
        writer.close()

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert (outcome.charged, outcome.in_doubt, len(setting.server.requests)) == (2, True, 1)
        assert setting.attempts[0].status == 200


async def test_what_is_no_http_is_no_answer() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await writer.drain()
        writer.close()

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert (outcome.in_doubt, len(setting.server.requests)) == (True, 1)


async def test_silence_is_a_timeout_in_doubt() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(serve, replace(QUICK, read=0.05)) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamTimeout)
        assert (outcome.charged, outcome.in_doubt, len(setting.server.requests)) == (2, True, 1)


async def test_nobody_listening_is_unavailable_and_free() -> None:
    async with serving(good) as setting:
        await setting.die()
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamUnavailable)
        assert (outcome.charged, outcome.in_doubt, outcome.attempts) == (0, False, 3)
        assert setting.server.connections == 0


async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        assert b"cookie" not in request.head.lower()
        writer.write(
            b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nset-cookie: a=b; Path=/\r\ncontent-length: 0\r\n\r\n"
        )

    async with serving(serve) as setting:
        for _ in range(2):
            assert isinstance((await setting.fetch()).problem, UpstreamInvalidAnswer)
        assert len(setting.server.requests) == 2


async def test_compressed_answers_are_unpacked() -> None:
    packed = gzip.compress(TRAY)

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed)

    async with serving(serve) as setting:
        assert (await setting.fetch()).body == TRAY


async def test_a_cancelled_call_closes_its_connection_and_the_next_gets_its_own_answer() -> None:
    """A late answer on a shared connection must never reach another call."""
    arrived = asyncio.Event()

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection == 1:
            arrived.set()
            await asyncio.Event().wait()
        writer.write(GOOD)

    async with serving(serve) as setting:
        task = asyncio.create_task(setting.fetch())
        await arrived.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await setting.fetch()).problem is None
        assert setting.server.connections == 2


async def test_after_it_was_closed_a_call_fails_as_a_value() -> None:
    async with serving(good) as setting:
        await setting.fetch()
    outcome = await setting.fetch()
    assert outcome.problem is not None


async def test_an_upstream_that_comes_back_is_found_again() -> None:
    """Killed and restarted on its port, in the middle of the traffic."""
    async with serving(good, replace(QUICK, failures=3, cool_down=0)) as setting:
        assert (await setting.fetch()).problem is None
        port = setting.listener.sockets[0].getsockname()[1]
        await setting.die()
        assert isinstance((await setting.fetch()).problem, UpstreamUnavailable)
        async with await asyncio.start_server(setting.server.accept, "127.0.0.1", port), asyncio.timeout(5):
            while (await setting.fetch()).problem is not None:
                pass
            await setting.die()


async def test_a_body_that_cannot_be_unpacked_is_charged_as_its_head_says() -> None:
    packed = zlib.compress(TRAY)[:-20]
    head = b'HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\nx-hiker-info: {"reqs": 1}\r\n'

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"content-length: %d\r\n\r\n" % len(packed) + packed)

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert (outcome.charged, outcome.in_doubt) == (1, False)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 Gef\xfchrt\r\n",
        b"HTTP/1.1 200\r\n",
        b"HTTP/1.1 200 OK\r\nset-cookie: c=\xff\xfe; expires=Fri, 99 Foo 99999999999\r\nx-odd: \xe9\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: \xff; charset=\xff\r\nlink: <http://[::1>; rel=next\r\ndate: x\r\n",
        b"HTTP/1.1 200 OK\r\nretry-after: 99999999999999999999 Nov 2026 10:00:00\r\nx-hiker-info: \xff\r\n",
        b'HTTP/1.1 200 OK\r\nx-app-usage: {"call_count": 1e999}\r\nx-business-use-case-usage: [[[[\r\n',
    ],
)
async def test_no_odd_head_of_an_answer_keeps_its_body_from_us(head: bytes) -> None:
    """Whether it is asked for as a `Get` or as any other request."""

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"content-length: %d\r\n\r\n" % len(TRAY) + TRAY)

    async with serving(serve) as setting:
        assert (await setting.fetch()).problem is None
        transport = aiohttp_transport(connections=1, keep_alive=1)
        port = setting.listener.sockets[0].getsockname()[1]
        answer = await transport.handle_async_request(httpx.Request("POST", f"http://localhost:{port}/"))
        assert await answer.aread() == TRAY
        await transport.aclose()

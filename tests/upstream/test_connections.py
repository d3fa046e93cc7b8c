"""Over real sockets, through the transport in use: what a dying connection means."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from gateway.clock import SystemClock
from gateway.errors import UpstreamInvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from gateway.events import AnswerTooLarge, Event, UpstreamAttempt
from gateway.upstream.bodies import LARGEST
from gateway.upstream.hikerapi import HikerApi, Outcome, Policy, connect
from tests.upstream.kit import KEY, NATGEO, TRAY

LOOP = asyncio.SelectorEventLoop
QUICK = Policy(backoff=0.001, jitter=0.001, longest_wait=0.01)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(TRAY)
GOOD = HEAD + b"\r\n" + TRAY

Serve = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """`connection` and `number` count from 1: the server's connections, and the requests on this one."""

    connection: int
    number: int
    head: bytes


class Server:
    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.requests: list[Request] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, number = self.connections, 0
        self.writers.append(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                number += 1
                request = Request(connection, number, head)
                self.requests.append(request)
                await self.serve(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Setting:
    server: Server
    listener: asyncio.Server
    api: HikerApi
    events: list[Event]

    async def die(self) -> None:
        self.listener.close()
        for writer in self.server.writers:
            writer.close()
        await self.listener.wait_closed()

    async def fetch(self) -> Outcome:
        return await self.api.fetch(NATGEO)

    @property
    def attempts(self) -> list[UpstreamAttempt]:
        return [event for event in self.events if isinstance(event, UpstreamAttempt)]


@asynccontextmanager
async def serving(serve: Serve, policy: Policy = QUICK) -> AsyncIterator[Setting]:
    server = Server(serve)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    events: list[Event] = []

    def hook(event: Event) -> None:
        events.append(event)

    api = connect(
        base_url=f"http://localhost:{port}", key=KEY, clock=SystemClock(), hook=hook, rate=10_000, policy=policy
    )
    setting = Setting(server, listener, api, events)
    try:
        yield setting
    finally:
        await api.aclose()
        await setting.die()


async def good(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD)


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
    """The connection dies under the request, before any byte of an answer: free, and nobody's fault. No library may
    repeat it behind our back."""

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


ENDLESS = {
    "until the connection closes": (b"", bytes(65_536)),
    "with a length": (b"content-length: 99999999999\r\n", bytes(65_536)),
    "in chunks": (b"transfer-encoding: chunked\r\n", b"10000\r\n" + bytes(65_536) + b"\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_answer_without_an_end_is_left_and_its_connection_closed(name: str) -> None:
    head, piece = ENDLESS[name]
    left = asyncio.Event()

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection == 2:
            writer.write(GOOD)
            return
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            left.set()
            raise

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert AnswerTooLarge("tray", LARGEST) in setting.events
        await left.wait()
        assert (await setting.fetch()).body == TRAY
        assert setting.server.connections == 2


async def test_others_have_their_turn_while_an_answer_of_many_chunks_is_read() -> None:
    """All of it is there at once, and each chunk takes its time: more than 8,192 of them are never read in one go."""
    chunks = 40_000
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal turns
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(TRAY), TRAY))
        writer.write(b"1\r\n \r\n" * chunks + b"0\r\n\r\n")
        await writer.drain()
        turns = 0

    async with serving(serve) as setting:
        counting = asyncio.create_task(count())
        assert (await setting.fetch()).body == TRAY + b" " * chunks
        counting.cancel()
        assert turns >= chunks // 8_192


@pytest.mark.parametrize("sort", ["HTTP/1.1 103 Early Hints", "HTTP/1.1 200 OK\r\ncontent-length: 0"])
async def test_answers_that_nobody_asked_for_close_an_idle_connection(sort: str) -> None:
    """They would be queued as long as it is kept: half a gigabyte in four seconds."""
    left = asyncio.Event()
    sent = 0

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(GOOD)
        if request.connection == 2:
            return
        try:
            while True:
                writer.write(f"{sort}\r\n\r\n".encode() * 1_024)
                await writer.drain()
                sent += 1
        except ConnectionError:
            left.set()
            raise

    async with serving(serve) as setting:
        assert (await setting.fetch()).body == TRAY
        await left.wait()
        assert sent < 1_000
        assert (await setting.fetch()).body == TRAY
        assert setting.server.connections == 2


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)

    async with serving(serve) as setting:
        assert (await setting.fetch()).body == TRAY
        setting.server.writers[0].write(GOOD.replace(b'"pk"', b'"no"'))
        for _ in range(10):  # turns of the loop: one to send, one to receive
            await asyncio.sleep(0)
        assert (await setting.fetch()).body == TRAY
        assert setting.server.connections == 2


async def test_an_answer_that_is_announced_without_an_end_is_none() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_024)
            await writer.drain()

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert isinstance(outcome.problem, UpstreamInvalidAnswer)
        assert (outcome.charged, outcome.in_doubt, outcome.attempts) == (2, True, 1)


async def test_an_answer_may_be_announced() -> None:
    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + GOOD)

    async with serving(serve) as setting:
        for _ in range(2):
            assert (await setting.fetch()).body == TRAY
        assert setting.server.connections == 1


async def test_a_head_without_an_end_is_no_answer() -> None:
    left = asyncio.Event()

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx-hiker-info: ")
        try:
            while True:
                writer.write(b"reqs=2 " * 9_000)
                await writer.drain()
        except ConnectionError:
            left.set()
            raise

    async with serving(serve) as setting:
        assert isinstance((await setting.fetch()).problem, UpstreamInvalidAnswer)
        await left.wait()

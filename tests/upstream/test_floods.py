"""Over real sockets, through the transport in use: an upstream that sends without an end, asked or not."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamInvalidAnswer
from gateway.events import AnswerTooLarge
from gateway.upstream.client.bodies import LARGEST
from tests.upstream.harness import TRAY
from tests.upstream.sockets import GOOD, Request, serving

LOOP = asyncio.SelectorEventLoop

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


EXTENSION = b"1;" + b"e" * 60_000 + b"\r\nX\r\n"
AROUND = {
    "extensions": EXTENSION,
    "zeros before a size": b"0" * 15 + b"1\r\nX\r\n",
    "trailers": b"0\r\n" + b"t: " + b"a" * 6_000 + b"\r\n",
}


@pytest.mark.parametrize("name", AROUND)
async def test_more_around_the_chunks_of_an_answer_than_in_them_closes_its_connection(name: str) -> None:
    left = asyncio.Event()
    sent = 0

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if request.connection == 2:
            writer.write(GOOD)
            return
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await writer.drain()
        try:
            for _ in range(2_000):
                piece = AROUND[name] * (66_000 // len(AROUND[name]))
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
        except ConnectionError:
            left.set()
            raise

    async with serving(serve) as setting:
        outcome = await setting.fetch()
        assert outcome.problem is not None
        await left.wait()
        assert sent < 20_000_000
        assert (await setting.fetch()).body == TRAY


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

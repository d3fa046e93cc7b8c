"""HTTP at a real socket: what a peer may send, and how long it may take, before anybody asks who it is."""

from __future__ import annotations

import asyncio

import pytest

from gateway.scheduling import MOST_PER_TURN
from gateway.server.bounded_connection import LINGER, TICK
from gateway.server.http_protocol import HEAD_SECONDS, PIECE
from gateway.server.peers import Ceilings
from gateway.server.progress import LEAST, SECONDS
from gateway.server.refusals import MOST_FIELDS, MOST_HEAD
from tests.server.listening import HANDSHAKE, Listening, connected, listening, until

GET = b"GET / HTTP/1.1\r\nhost: h\r\n"
POST = b"POST /read HTTP/1.1\r\nhost: h\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def head(size: int, line: bytes = GET) -> bytes:
    """A whole head of so many bytes."""
    padding = size - len(line) - len(b"x: \r\n\r\n")
    return line + b"x: " + b"a" * padding + b"\r\n\r\n"


def now() -> float:
    return asyncio.get_running_loop().time()


# -- heads


async def test_a_head_of_64_kib_is_read(server: Listening) -> None:
    line = await server.line()
    for _ in range(2):
        await line.send(head(MOST_HEAD))
        assert await line.status() == 200
        assert await line.reader.readexactly(5) == b"hello"


@pytest.mark.parametrize(
    "sent",
    [
        head(MOST_HEAD + 1),
        b"GET /?" + b"a" * MOST_HEAD + b" HTTP/1.1\r\n\r\n",
        GET + b"a" * (MOST_HEAD + 1),
        GET + b"a: b\r\n" * 20_000,
        GET + b"a: b\r\n" * (MOST_FIELDS + 1) + b"\r\n",
        b"\r\n" * MOST_HEAD,
    ],
)
async def test_more_of_a_head_is_answered_431_and_closed_before_anybody_is_asked(
    server: Listening, sent: bytes
) -> None:
    line = await server.line()
    await line.send(sent)
    assert await line.status() == 431
    assert b"65536 bytes" in await line.rest()
    assert server.app.asked == []


async def test_a_head_without_end_is_refused_when_its_bound_is_passed(server: Listening) -> None:
    """What is sent after that is thrown away, so that the answer is read, and not for long."""
    line = await server.line()
    await line.send(GET + b"x: ")
    sent = await line.flood(b"a" * 65_536, 160)
    assert await line.status() == 431
    assert sent == 160
    assert server.config.peers.heads.total == 0
    begun = now()
    await line.rest()
    await until(lambda: not server.config.peers.connections.total)
    assert now() - begun <= LINGER + 1


@pytest.mark.parametrize("packet", [1, 7, PIECE, PIECE + 1, 50_000])
async def test_it_does_not_matter_how_a_head_is_cut_into_packets(server: Listening, packet: int) -> None:
    size = 10_000 if packet < PIECE else MOST_HEAD
    protocol, transport = connected(server)
    for sent in (head(size), head(size)):
        for at in range(0, len(sent), packet):
            protocol.data_received(sent[at : at + packet])
        await asyncio.sleep(0)
        assert not transport.is_closing()
    assert len(server.app.asked) >= 1


async def test_a_head_behind_another_request_is_bounded_as_well(server: Listening) -> None:
    line = await server.line()
    await line.send(GET + b"\r\n" + GET + b"x: ")
    assert await line.status() == 200
    assert await line.reader.readexactly(5) == b"hello"
    await line.flood(b"a" * 65_536, 3)
    assert await line.status() == 431
    assert len(server.app.asked) == 1


async def test_no_refusal_is_taken_for_the_answer_to_another_request(server: Listening) -> None:
    line = await server.line()
    await line.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" + GET + b"x: ")
    await line.flood(b"a" * 65_536, 3)
    assert await line.rest() == b""
    await until(lambda: not server.app.running)


async def test_a_head_that_comes_slowly_is_left(server: Listening) -> None:
    line, begun = await server.line(), now()
    await line.send(GET + b"x: ")
    assert await line.drip(b"a") == 408
    assert HEAD_SECONDS <= now() - begun <= HEAD_SECONDS + 2 * TICK


async def test_a_connection_that_says_nothing_is_closed(server: Listening) -> None:
    line, begun = await server.line(), now()
    assert await line.rest() == b""
    assert HEAD_SECONDS <= now() - begun <= HEAD_SECONDS + TICK


@pytest.mark.parametrize(("sent", "letter"), [(GET, b"a"), (b"", b"\r\n")])
async def test_nor_is_the_next_head_waited_for_longer(server: Listening, sent: bytes, letter: bytes) -> None:
    """Nor empty lines, which may stand before it."""
    line = await server.line()
    await line.send(GET + b"\r\n" + sent)
    assert await line.status() == 200
    assert await line.reader.readexactly(5) == b"hello"
    begun = now()
    assert await line.drip(letter) == 408
    assert now() - begun <= HEAD_SECONDS + 2 * TICK


async def test_unfinished_heads_of_one_address_are_bounded_together() -> None:
    async with listening(Ceilings(heads_each=100_000)) as server:
        lines = [await server.line() for _ in range(3)]
        for line in lines:
            await line.send(GET + b"x: " + b"a" * 50_000)
        assert await lines[2].status() == 503
        for line in lines[:2]:
            await line.send(b"\r\n\r\n")
            assert await line.status() == 200
        assert server.config.peers.heads.total == 0


# -- what stands around a body


@pytest.mark.parametrize(
    ("piece", "end"),
    [
        (b"1;" + b"e" * 16_000 + b"\r\nX\r\n", b"0\r\n\r\n"),
        (b"0\r\n" + b"t: " + b"a" * 16_000 + b"\r\n", b"\r\n"),
        (b"0\r\n" + b"t: a\r\n" * 3_000, b"\r\n"),
        (b"0" * 16_000, b"1\r\nX\r\n0\r\n\r\n"),
    ],
)
async def test_extensions_and_trailers_are_bounded_like_a_head(server: Listening, piece: bytes, end: bytes) -> None:
    line = await server.line()
    await line.send(POST + CHUNKED)
    await line.send(piece)
    for _ in range(20):
        await line.flood(piece.removeprefix(b"0\r\n"), 1)
    await line.flood(end, 1)
    assert await line.status() == 431
    await line.rest()
    assert server.app.bodies == []
    assert server.app.running == 0


async def test_a_body_in_chunks_of_one_byte_is_read(server: Listening) -> None:
    line = await server.line()
    await line.send(POST + CHUNKED + b"1\r\nX\r\n" * 30_000 + b"0\r\n\r\n")
    assert await line.status() == 200
    assert server.app.bodies == [b"X" * 30_000]


async def test_a_trailer_is_no_field_of_the_head(server: Listening) -> None:
    """Or a key, a host or an origin could be put in after they were looked at."""
    line = await server.line()
    await line.send(POST + CHUNKED)
    await line.send(b"1\r\nX\r\n0\r\nx-api-key: k\r\n")
    await line.send(b"host: other\r\n\r\n")
    assert await line.status() == 200
    assert server.app.asked[0]["headers"] == [(b"host", b"h"), (b"transfer-encoding", b"chunked")]


# -- bodies that do not come


async def test_a_body_that_does_not_come_is_left(server: Listening) -> None:
    line, begun = await server.line(), now()
    await line.send(POST + b"content-length: 1000\r\n\r\n")
    assert await line.status() == 408
    assert SECONDS <= now() - begun <= SECONDS + 2 * TICK
    assert server.app.running == 0


async def test_a_body_that_comes_byte_by_byte_is_left(server: Listening) -> None:
    line, begun = await server.line(), now()
    await line.send(POST + b"content-length: 1000\r\n\r\n")
    assert await line.drip(b"a") == 408
    assert now() - begun <= SECONDS + 2 * TICK


async def test_a_body_that_comes_slowly_but_comes_is_read(server: Listening) -> None:
    line = await server.line()
    size = 5 * LEAST
    await line.send(POST + b"content-length: %d\r\n\r\n" % size)
    for _ in range(5):
        await asyncio.sleep(SECONDS - 2 * TICK)
        await line.send(b"a" * LEAST)
    assert await line.status() == 200
    assert len(server.app.bodies[0]) == size


async def test_the_rest_of_a_refused_body_is_not_taken_for_long(server: Listening) -> None:
    line = await server.line()
    await line.send(b"POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\na")
    assert await line.status() == 401
    begun = now()
    assert await line.drip(b"a") == 0
    assert now() - begun <= LINGER + 2 * TICK + 1


async def test_a_refused_body_that_is_on_its_way_costs_no_connection(server: Listening) -> None:
    line = await server.line()
    await line.send(b"POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n")
    assert await line.status() == 401
    await line.send(b"a" * 100_000 + GET + b"\r\n")
    assert await line.status() == 200


# -- requests behind each other


async def test_requests_behind_one_that_is_not_answered_wait_in_the_socket(server: Listening) -> None:
    line = await server.line()
    await line.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n")
    flood = asyncio.create_task(line.flood((GET + b"\r\n") * 2_000, 100))
    await asyncio.sleep(1)
    (protocol,) = server.protocols
    assert len(protocol.pipeline) <= PIECE // len(GET)
    assert len(protocol._unfed) <= 2 * 262_144
    assert not flood.done()
    flood.cancel()


async def test_all_requests_behind_each_other_are_answered_in_order(server: Listening) -> None:
    line = await server.line()
    ends = (POST + b"content-length: 10000\r\n\r\n" + b"a" * 10_000, GET + b"\r\n")
    sending = asyncio.create_task(line.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" + b"".join(ends * 200)))
    await asyncio.sleep(1)
    server.app.gate.set()
    assert await line.status() == 200
    assert await line.reader.readexactly(6) == b"waited"
    for _ in range(200):
        assert await line.status() == 200
        assert await line.reader.readexactly(5) == b"10000"
        assert await line.status() == 200
        assert await line.reader.readexactly(5) == b"hello"
    await sending


async def test_they_do_not_keep_those_waiting_who_come_alone(server: Listening) -> None:
    """Of as many as wait, only some are begun in one turn of the loop."""
    lines = [await server.line() for _ in range(100)]
    for line in lines:
        await line.send((GET + b"\r\n") * 20)
    for line in lines:
        assert await line.status() == 200
    begun = len(server.app.asked)
    newcomer = await server.line()
    await newcomer.send(GET + b"\r\n")
    assert await newcomer.status() == 200
    assert len(server.app.asked) - begun <= 10 * MOST_PER_TURN
    await until(lambda: len(server.app.asked) == 2_001)


async def test_whoever_hangs_up_takes_all_its_requests_along(server: Listening) -> None:
    line = await server.line()
    await line.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" * 3)
    await until(lambda: server.app.running)
    line.writer.transport.abort()
    await until(lambda: not server.app.running)
    assert len(server.app.asked) == 1


# -- answers that nobody reads


async def test_a_stream_that_nobody_reads_is_cut_off(server: Listening) -> None:
    line, begun = await server.line(), now()
    await line.send(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n")
    await until(lambda: server.app.running)
    (protocol,) = server.protocols
    while server.app.running:
        assert protocol.transport.is_closing() or protocol.transport.get_write_buffer_size() <= 262_144
        await asyncio.sleep(1)
    assert SECONDS <= now() - begun <= SECONDS + 3 * TICK
    assert server.config.peers.connections.total == 0


async def test_a_connection_that_is_closed_waits_for_its_reader_no_longer(server: Listening) -> None:
    """Closing waits until all is taken: without an end, if nobody takes it."""
    line, begun = await server.line(), now()
    await line.send(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n")
    (protocol,) = server.protocols
    await until(lambda: protocol.flow.write_paused)
    protocol.transport.close()
    await until(lambda: not server.config.peers.connections.total)
    assert now() - begun <= SECONDS + 3 * TICK


async def test_a_slow_reader_is_served(server: Listening) -> None:
    line, begun = await server.line(limit=1_000), now()
    await line.send(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n")
    while now() - begun < 4 * SECONDS:
        for _ in range(100):
            assert await line.reader.read(100_000)
        await asyncio.sleep(SECONDS / 2)
    assert server.app.running == 1


# -- how many


async def test_connections_of_one_address_have_a_ceiling() -> None:
    async with listening(Ceilings(each=2)) as server:
        lines = [await server.line() for _ in range(2)]
        refused = await server.line()
        assert await refused.status() == 503
        await lines[0].send(GET + b"\r\n")
        assert await lines[0].status() == 200
        lines[0].writer.close()
        await until(lambda: server.config.peers.connections.total <= 1)
        again = await server.line()
        await again.send(GET + b"\r\n")
        assert await again.status() == 200


async def test_all_connections_together_have_a_ceiling() -> None:
    async with listening(Ceilings(each=0, total=2)) as server:
        lines = [await server.line() for _ in range(3)]
        assert await lines[2].status() == 503


# -- the head of a WebSocket


@pytest.mark.parametrize(
    "fields",
    [
        b"a: b\r\n" * 150,
        b"".join(b"x%d: " % at + b"a" * 5_000 + b"\r\n" for at in range(4)),
        b"x: " + b"a" * 9_000 + b"\r\n",
        b"x: " + b"a" * 65_536 + b"\r\n",
    ],
)
async def test_a_handshake_that_its_parser_would_drop_is_answered_431(server: Listening, fields: bytes) -> None:
    line = await server.line()
    await line.send(HANDSHAKE + fields + b"\r\n")
    assert await line.status() == 431
    await line.rest()
    assert server.app.asked == []

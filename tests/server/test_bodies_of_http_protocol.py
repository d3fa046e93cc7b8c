"""What comes and nobody takes, at a real socket: it is bounded, and dropped when its request is answered."""

from __future__ import annotations

import asyncio

import pytest

from gateway.scheduling import MOST_AT_ONCE, MOST_PER_TURN, MOST_SHORT
from gateway.server.peers import Ceilings
from gateway.server.websocket_protocol import WebSocketProtocol
from tests.server.listening import HANDSHAKE, Listening, connected, listening, until

GET = b"GET / HTTP/1.1\r\nhost: h\r\n"
POST = b"POST /read HTTP/1.1\r\nhost: h\r\n"
UNTAKEN = b"POST /wait HTTP/1.1\r\nhost: h\r\ncontent-length: 900000\r\n\r\n"


@pytest.mark.parametrize("ceilings", [Ceilings(bodies_each=150_000), Ceilings(bodies_total=150_000)])
async def test_bodies_that_nobody_has_taken_are_bounded_together(ceilings: Ceilings) -> None:
    async with listening(ceilings) as server:
        fed = [connected(server)[0] for _ in range(3)]
        for protocol in fed:
            protocol.data_received(UNTAKEN + b"a" * 50_000)
            server.config.turns.end()  # what is begun in one turn of the loop is bounded, too
        assert server.config.peers.bodies.total == 150_000
        refused, transport = connected(server)
        refused.data_received(UNTAKEN + b"a" * 100_000)
        assert b"503" in transport.written
        assert b"retry-after: 1" in transport.written
        refused.data_received(b"a" * 100_000)
        assert server.config.peers.bodies.total == 150_000
        assert not refused.cycle.body


async def test_what_is_taken_makes_room(server: Listening) -> None:
    line = await server.line()
    for _ in range(3):
        await line.send(POST + b"content-length: 500000\r\n\r\n" + b"a" * 500_000)
        assert await line.status() == 200
        assert await line.reader.readexactly(6) == b"500000"
    assert server.config.peers.bodies.total == 0


async def test_nothing_is_held_of_a_body_whose_request_is_answered(server: Listening) -> None:
    line = await server.line()
    await line.send(b"POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 900000\r\n\r\n" + b"a" * 200_000)
    assert await line.status() == 401
    (protocol,) = server.protocols
    assert not protocol.cycle.body
    await line.send(b"a" * 200_000)
    await until(lambda: not protocol.cycle.body and not protocol._unfed)
    assert server.config.peers.bodies.total == 0


async def test_only_some_are_listened_to_after_their_refusal() -> None:
    async with listening(Ceilings(leavings_each=2)) as server:
        lines = [await server.line() for _ in range(3)]
        for line in lines:
            await line.send(b"POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n")
            assert await line.status() == 401
        assert await lines[2].rest() == b""
        for line in lines[:2]:
            await line.send(b"a" * 9 + GET + b"\r\n")
            assert await line.status() == 200
        await until(lambda: not server.config.peers.leavings.total)


async def test_of_requests_that_come_at_once_only_some_begin_in_a_turn(server: Listening) -> None:
    fed = [connected(server)[0] for _ in range(2 * MOST_AT_ONCE)]
    for protocol in fed:
        protocol.data_received(GET + b"\r\n")
    assert sum(protocol.scope is not None for protocol in fed) == MOST_AT_ONCE
    await asyncio.sleep(0)
    assert len(server.app.asked) <= MOST_AT_ONCE
    assert sum(protocol.scope is not None for protocol in fed) <= MOST_AT_ONCE + MOST_SHORT
    await until(lambda: len(server.app.asked) == len(fed))


async def test_what_is_short_does_not_wait_for_what_is_long(server: Listening) -> None:
    many = [connected(server)[0] for _ in range(MOST_AT_ONCE + 10 * MOST_PER_TURN)]
    for protocol in many:
        protocol.data_received((GET + b"\r\n") * 100)
    protocol, transport = connected(server)
    protocol.data_received(GET + b"\r\n")
    for _ in range(3):
        await asyncio.sleep(0)
    assert b"hello" in transport.written
    assert sum(protocol.scope is not None for protocol in many) <= MOST_AT_ONCE + 3 * MOST_PER_TURN
    for protocol in many:
        protocol.transport.close()


async def test_what_waited_to_be_parsed_is_parsed_in_order(server: Listening) -> None:
    """And is read from no further than anybody takes of it."""
    crowd = [connected(server)[0] for _ in range(MOST_AT_ONCE)]
    for protocol in crowd:
        protocol.data_received(GET)
    line = await server.line()
    size = 500_000
    await line.send(POST + b"content-length: %d\r\n\r\n" % size + b"a" * 300_000)
    for protocol in crowd:
        protocol.data_received(b"\r\n")
    await line.send(b"b" * (size - 300_000) + GET + b"\r\n")
    assert await line.status() == 200
    assert await line.reader.readexactly(6) == b"500000"
    assert await line.status() == 200
    assert server.app.bodies == [b"a" * 300_000 + b"b" * (size - 300_000)]


async def test_a_body_that_waited_to_be_parsed_waits_to_be_taken(server: Listening) -> None:
    crowd = [connected(server)[0] for _ in range(MOST_AT_ONCE)]
    for protocol in crowd:
        protocol.data_received(GET)
    late, _ = connected(server)
    late.data_received(UNTAKEN + b"a" * 200_000)
    assert late.scope is None
    await asyncio.sleep(0)
    assert late.flow.read_paused
    assert server.config.peers.bodies.total == 200_000


async def test_handshakes_begin_in_turns(server: Listening) -> None:
    for _ in range(2 * MOST_AT_ONCE):
        connected(server)[0].data_received(HANDSHAKE + b"\r\n")
    begun = 0
    while begun < 2 * MOST_AT_ONCE:
        await asyncio.sleep(0)
        now = sum(scope["type"] == "websocket" for scope in server.app.asked)
        assert now - begun <= MOST_PER_TURN
        begun = now
    for protocol in list(server.state.connections):
        if isinstance(protocol, WebSocketProtocol):
            protocol.connection_lost(None)


async def test_what_comes_behind_a_request_is_bounded_with_the_bodies() -> None:
    async with listening(Ceilings(bodies_each=100_000)) as server:
        protocol, _ = connected(server)
        protocol.data_received(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" * 10_000)
        assert not protocol._unfed
        assert not protocol.pipeline
        assert server.config.peers.bodies.total == 0

"""Connections of a trusted proxy: limits hold for those it forwards for, whom nobody else can name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from gateway.server.peers import Ceilings
from tests.server.listening import HANDSHAKE, Line, Listening, connected, listening, until

LOOPBACK = frozenset({ip_network("127.0.0.0/8")})


def asking(path: str, address: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: h\r\nx-forwarded-for: {address}\r\n\r\n".encode()


@pytest.fixture
async def behind() -> AsyncIterator[Listening]:
    """A server behind a proxy on this machine, for two connections of each address."""
    async with listening(Ceilings(each=2), LOOPBACK) as server:
        yield server


async def waiting(server: Listening, address: str) -> Line:
    """A request in progress for this address."""
    running, line = server.app.running, await server.line()
    await line.send(asking("/wait", address))
    await until(lambda: server.app.running > running)
    return line


async def test_the_application_knows_the_peer_and_not_the_proxy(behind: Listening) -> None:
    line = await behind.line()
    for address in ("203.0.113.7", "203.0.113.8", "1.2.3.4, 2001:db8::7"):
        await line.send(asking("/", address))
        assert await line.status() == 200
        await line.reader.readexactly(5)
    clients = [scope["client"] for scope in behind.app.asked]
    assert clients == [("203.0.113.7", 0), ("203.0.113.8", 0), ("2001:db8::7", 0)]


async def test_each_peer_has_its_own_limit_and_the_proxy_none(behind: Listening) -> None:
    lines = [await waiting(behind, f"203.0.113.{number // 2}") for number in range(8)]
    more = await behind.line()
    await more.send(asking("/wait", "198.51.100.1, 203.0.113.3"))
    assert await more.status() == 503
    assert b"try again" in await more.rest()
    other = await behind.line()
    await other.send(asking("/", "203.0.113.9"))
    assert await other.status() == 200
    behind.app.gate.set()
    for line in lines:
        assert await line.status() == 200


async def test_between_two_requests_a_connection_is_no_peers(behind: Listening) -> None:
    """A proxy keeps connections, and sends other peers' requests on them."""
    lines = [await behind.line() for _ in range(4)]
    for line in lines:
        await line.send(asking("/", "203.0.113.7"))
        assert await line.status() == 200
    counted = behind.config.peers.connections
    assert (counted.of("203.0.113.7"), counted.total) == (0, 4)


async def test_websockets_are_counted_for_the_peer(behind: Listening) -> None:
    named = HANDSHAKE + b"x-forwarded-for: 203.0.113.7\r\n\r\n"
    for expected in (101, 101, 503):
        line = await behind.line()
        await line.send(named)
        assert await line.status() == expected
    assert {scope["client"] for scope in behind.app.asked} == {("203.0.113.7", 0)}
    await until(lambda: behind.config.peers.connections.of("203.0.113.7") == 2)


async def test_bodies_and_unread_answers_are_counted_for_the_peer() -> None:
    async with listening(Ceilings(bodies_each=100_000), LOOPBACK) as server:
        head = b"POST /wait HTTP/1.1\r\nhost: h\r\nx-forwarded-for: %s\r\ncontent-length: 90000\r\n\r\n"
        written = []
        for number, address in enumerate((b"203.0.113.7", b"203.0.113.8", b"203.0.113.7")):
            protocol, transport = connected(server, ("127.0.0.1", number))
            protocol.data_received(head % address + b"a" * 60_000)
            assert protocol._reader.peer == address.decode()
            written.append(transport.written)
            server.config.turns.end()
        assert [b"503" in answer for answer in written] == [False, False, True]
        assert server.config.peers.bodies.of("203.0.113.8") == 60_000


async def test_nobody_but_a_trusted_proxy_names_a_peer() -> None:
    async with listening(Ceilings(each=2), frozenset({ip_network("192.0.2.1/32")})) as server:
        lines = [await waiting(server, f"203.0.113.{number}") for number in range(2)]
        more = await server.line()
        await more.send(asking("/", "203.0.113.9"))
        assert await more.status() == 503
        assert {scope["client"][0] for scope in server.app.asked} == {"127.0.0.1"}
        server.app.gate.set()
        for line in lines:
            assert await line.status() == 200


async def test_a_proxy_cannot_exceed_the_limit_of_all_connections() -> None:
    async with listening(Ceilings(each=2, total=3), LOOPBACK) as server:
        for number in range(3):
            await waiting(server, f"203.0.113.{number}")
        assert await (await server.line()).status() == 503

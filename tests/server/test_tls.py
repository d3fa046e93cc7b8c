"""TLS at a real socket: the protocols above it hold their limits, and so does the handshake."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.scheduling import MOST_AT_ONCE, MOST_SHORT
from gateway.server import tls
from gateway.server.certificate import Certificate
from gateway.server.http_protocol import HttpProtocol
from gateway.server.peers import Ceilings
from gateway.server.refusals import MOST_HEAD
from gateway.server.tls import PacedObject, TlsProtocol
from tests.fakes.certificates import CertificateFiles, certificate_files
from tests.server.listening import BLOCK, Listening, listening, until

GET = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
ENDLESS = b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n"
POST = b"POST /wait HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n"


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return certificate_files(tmp_path)


@contextlib.asynccontextmanager
async def speaking(files: CertificateFiles, ceilings: Ceilings | None = None) -> AsyncIterator[Listening]:
    async with listening(ceilings, certificate=Certificate(files.chain, files.key)) as server:
        yield server


@contextlib.contextmanager
def silent(server: Listening) -> Iterator[socket.socket]:
    """A connection whose handshake never begins."""
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        yield line


async def test_http_and_websockets_are_spoken_above_it(files: CertificateFiles) -> None:
    async with speaking(files) as server:
        line = await server.line(context=files.context)
        for _ in range(2):
            await line.send(GET)
            assert await line.status() == 200
            assert await line.reader.readexactly(5) == b"hello"
        await line.send(b"POST /read HTTP/1.1\r\nhost: h\r\ncontent-length: 900000\r\n\r\n" + b"a" * 900_000)
        assert await line.status() == 200
        assert await line.reader.readexactly(6) == b"900000"
        assert {scope["scheme"] for scope in server.app.asked} == {"https"}
        opened = await server.socket(context=files.context)
        server.app.gate.set()
        await opened.send(b"\x81\x82\x00\x00\x00\x00hi")
        assert await opened.reader.readexactly(4) == b"\x81\x02hi"


async def test_nothing_older_than_version_1_3_is_spoken(files: CertificateFiles) -> None:
    async with speaking(files) as server:
        line = await server.line(context=files.context)
        spoken = line.writer.get_extra_info("ssl_object")
        assert spoken.version() == "TLSv1.3"
        older = files.context
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await server.line(context=older)


async def test_handshakes_that_are_not_finished_count_for_their_peer(files: CertificateFiles) -> None:
    async with speaking(files, Ceilings(each=2)) as server:
        with silent(server), silent(server) as second:
            await until(lambda: server.config.peers.connections.total == 2)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await server.line(context=files.context)
            second.close()
            await until(lambda: server.config.peers.connections.total == 1)
            line = await server.line(context=files.context)
            await line.send(GET)
            assert await line.status() == 200
        await until(lambda: server.config.peers.connections.total == 1)


async def test_a_handshake_that_does_not_end_is_left(files: CertificateFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HEAD_SECONDS", 0.05)
    async with speaking(files) as server:
        with silent(server) as line:
            line.send(b"\x16\x03\x01\x01\x00")
            line.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.to_thread(line.recv, 1) == b""
        await until(lambda: not server.config.peers.connections.total)


async def test_what_is_no_handshake_is_closed(files: CertificateFiles) -> None:
    async with speaking(files) as server:
        line = await server.line()
        await line.send(GET)
        assert b"HTTP" not in await line.rest()
        await until(lambda: not server.config.peers.connections.total)
        assert server.app.asked == []


async def test_a_refusal_is_read_by_its_peer(files: CertificateFiles) -> None:
    async with speaking(files) as server:
        line = await server.line(context=files.context)
        await line.send(GET.removesuffix(b"\r\n") + b"x: " + b"a" * (MOST_HEAD + 1))
        assert await line.status() == 431
        assert b"65536 bytes" in await line.rest()


async def test_what_a_peer_does_not_read_is_counted_and_bounded(files: CertificateFiles) -> None:
    """Below TLS, too: there a quarter of a megabyte would wait uncounted."""
    async with speaking(files) as server:
        line = await server.line(context=files.context, limit=1)
        await line.send(ENDLESS)
        await until(lambda: server.protocols and server.config.unsent.size)
        await until_still(server)
        (protocol,) = server.protocols
        size = protocol.transport.get_write_buffer_size()
        assert server.config.unsent.size == size
        assert len(BLOCK) < size <= 5 * len(BLOCK)


async def until_still(server: Listening) -> None:
    """Until no block more is sent."""
    before = -1
    while server.app.blocks > before:
        before = server.app.blocks
        await asyncio.sleep(0.05)


async def test_what_nobody_takes_is_not_received(files: CertificateFiles) -> None:
    async with speaking(files, Ceilings(bodies_each=10 * 2**20)) as server:
        line = await server.line(context=files.context)
        await line.send(POST % 2**25)
        await until(lambda: server.app.running)
        (protocol,) = server.protocols
        protocol.flow.pause_reading()
        sending = asyncio.ensure_future(line.flood(bytes(2**20), 32))
        await asyncio.wait([sending], timeout=0.2)
        assert not sending.done()
        assert len(protocol.cycle.body) <= 2 * 2**18
        server.app.gate.set()
        protocol.flow.resume_reading()
        assert await line.status() == 200
        sending.cancel()


async def test_a_certificate_that_is_loaded_again_is_that_of_the_next_connection(files: CertificateFiles) -> None:
    certificate, before = Certificate(files.chain, files.key), files.context
    async with listening(certificate=certificate) as server:
        line = await server.line(context=before)
        files.write()
        certificate.load()
        await line.send(GET)
        assert await line.status() == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.line(context=before)
        other = await server.line(context=files.context)
        await other.send(GET)
        assert await other.status() == 200


async def test_no_connection_leaves_garbage(files: CertificateFiles) -> None:
    async with speaking(files) as server:
        gc.collect()
        gc.disable()
        try:
            line = await server.line(context=files.context)
            await line.send(GET)
            assert await line.status() == 200
            line.writer.close()
            with silent(server):
                await until(lambda: len(server.protocols) == 2)
            await until(lambda: not server.config.peers.connections.total)
            server.protocols.clear()
            await asyncio.sleep(0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [type(one) for one in gc.garbage if isinstance(one, HttpProtocol | TlsProtocol | PacedObject)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert left == []


async def test_handshakes_that_come_at_once_are_computed_in_turns(files: CertificateFiles) -> None:
    """Many finish their first message at the same time, which may have begun long before."""
    async with speaking(files) as server:
        loop = asyncio.get_running_loop()
        computed: list[int] = []
        hello = first_message(files.context)
        for number in range(3 * MOST_AT_ONCE):
            paced = PacedObject(server.config, loop, lambda: None)
            paced._resume = lambda paced=paced, number=number: attempt(paced, computed, number)
            incoming = ssl.MemoryBIO()
            paced.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
            attempt(paced, [], number)
            incoming.write(hello)
            attempt(paced, computed, number)
        assert len(computed) == MOST_AT_ONCE
        await asyncio.sleep(0)
        assert len(computed) <= MOST_AT_ONCE + MOST_SHORT
        await until(lambda: len(computed) == 3 * MOST_AT_ONCE)
        assert computed[MOST_AT_ONCE + 1] == 3 * MOST_AT_ONCE - 1  # the last does not wait for all before


def attempt(paced: PacedObject, computed: list[int], number: int) -> None:
    """Notes a step of the handshake for which something was computed."""
    before = paced._incoming.pending
    with contextlib.suppress(ssl.SSLWantReadError):
        paced.do_handshake()
    if paced._incoming.pending < before:
        computed.append(number)


def first_message(context: ssl.SSLContext) -> bytes:
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()

"""A WebSocket at a real socket: what is taken from it, and what it must take."""

from __future__ import annotations

import asyncio
import gc
import struct
import weakref

import pytest
from starlette.types import Message

from gateway.server.peers import Ceilings
from gateway.server.progress import SECONDS
from gateway.server.websocket_protocol import MOST_FRAGMENTS, MOST_UNKNOWN, PIECE, TICK, WebSocketProtocol
from tests.server.listening import HANDSHAKE, Line, Listening, listening, until

MASK = b"\0\0\0\0"  # masking with zeros changes nothing
TEXT, CONT, PING = 1, 0, 9


def frame(kind: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([kind | (0x80 if fin else 0)]) + length + MASK + payload


def now() -> float:
    return asyncio.get_running_loop().time()


async def close_code(line: Line) -> int:
    """Of the last frame, after whatever else came; 0 if there is none."""
    rest = await line.rest()
    at = rest.rfind(b"\x88")
    return struct.unpack(">H", rest[at + 2 : at + 4])[0] if at >= 0 else 0


def only(server: Listening) -> WebSocketProtocol:
    (found,) = server.state.connections
    assert isinstance(found, WebSocketProtocol)
    return found


async def test_messages_are_handed_on_one_by_one(server: Listening) -> None:
    line = await server.socket()
    sending = asyncio.create_task(line.send(frame(TEXT, b"x" * 1_000) * 2_000))
    await asyncio.sleep(1)
    assert len(server.app.messages) == 1
    assert only(server).queue.qsize() <= PIECE // 1_000 + 1
    server.app.gate.set()
    read = await line.reader.readexactly(2_000 * 1_004)
    assert read == (b"\x81\x7e" + struct.pack(">H", 1_000) + b"x" * 1_000) * 2_000
    await sending


async def test_a_handshake_that_is_answered_by_http_is_no_error(
    server: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    """Or anybody could fill the log."""
    caplog.set_level("ERROR", "uvicorn.error")
    for _ in range(2):
        line = await server.line()
        await line.send(HANDSHAKE.replace(b"/socket", b"/deny") + b"\r\n")
        assert await line.status() == 421
        assert await line.rest() == b"other"
    await until(lambda: not server.app.running)
    assert caplog.records == []


async def test_the_protocol_of_its_handshake_is_freed_at_once(server: Listening) -> None:
    """And does not wait for the garbage collector, whose pauses stop the event loop."""
    gc.collect()
    gc.disable()
    try:
        line = await server.socket()
        assert isinstance(only(server), WebSocketProtocol)
        protocols = [weakref.ref(protocol) for protocol in server.protocols]
        server.protocols.clear()
        server.fed.clear()
        assert [protocol() for protocol in protocols] == [None]
        await line.send(frame(TEXT, b"init"))
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"x" * (MOST_UNKNOWN + 1)),
        frame(TEXT, b"x", fin=False) + frame(CONT, b"x", fin=False) * 5_000,
        frame(PING, b"x" * 100) * 200,
    ],
)
async def test_before_the_first_message_is_whole_little_is_taken(server: Listening, sent: bytes) -> None:
    line = await server.socket()
    await line.send(sent)
    assert await close_code(line) == 1009
    assert server.app.messages == []


async def test_after_it_more_is(server: Listening) -> None:
    server.app.gate.set()
    line = await server.socket()
    await line.send(frame(TEXT, b"init") + frame(TEXT, b"x" * 60_000))
    await line.reader.readexactly(6 + 60_004)
    assert [len(message) for message in server.app.messages] == [4, 60_000]


async def test_a_message_of_endless_fragments_is_refused(server: Listening) -> None:
    server.app.gate.set()
    line = await server.socket()
    await line.send(frame(TEXT, b"init") + frame(TEXT, fin=False) + frame(CONT, fin=False) * (MOST_FRAGMENTS + 1))
    assert await close_code(line) == 1009


async def test_frames_sent_before_the_handshake_is_answered_are_bounded(server: Listening) -> None:
    line = await server.line()
    await line.send(HANDSHAKE + b"\r\n")
    await line.flood(frame(PING, b"x" * 100) * 100, 10)
    await line.rest()
    await until(lambda: not server.config.peers.connections.total)


async def test_whoever_takes_nothing_is_read_no_further_and_cut_off(server: Listening) -> None:
    """Each ping would be answered, and its answer kept."""
    server.app.gate.set()
    line, begun = await server.socket(), now()
    await line.send(frame(TEXT, b"init"))
    flood = asyncio.create_task(line.flood(frame(PING, b"x" * 100) * 1_000, 200))
    most = 0
    while server.config.peers.connections.total:
        if server.state.connections:
            protocol = only(server)
            most = max(most, len(protocol._unfed) + protocol.transport.get_write_buffer_size())
        await asyncio.sleep(1)
    assert 65_536 <= most <= 65_536 + 262_144 + 2 * PIECE
    assert now() - begun <= SECONDS + 3 * TICK
    await flood


async def test_others_have_a_turn_between_the_pieces_of_what_came(server: Listening) -> None:
    server.app.gate.set()
    line = await server.socket()
    await line.send(frame(TEXT, b"init"))
    await until(lambda: server.app.messages)
    protocol, turns = only(server), 0
    protocol.data_received(frame(PING) * 10_000)
    while protocol._unfed:
        turns += 1
        await asyncio.sleep(0)
    assert turns >= len(frame(PING)) * 10_000 // PIECE - 1


async def test_it_counts_among_its_peers_connections() -> None:
    async with listening(Ceilings(each=2)) as server:
        first, _ = await server.socket(), await server.socket()
        refused = await server.line()
        assert await refused.status() == 503
        first.writer.close()
        await until(lambda: server.config.peers.connections.total <= 1)
        await server.socket()


async def test_a_peer_that_never_closes_is_left_after_the_goodbye(server: Listening) -> None:
    """The closing handshake, too, waits for the peer."""
    line = await server.socket()
    protocol = only(server)
    goodbye: Message = {"type": "websocket.close", "code": 1000}
    await protocol.send(goodbye)  # type: ignore[arg-type]  # as the application sends it
    begun = now()
    assert await close_code(line) == 1000
    line.writer.close()
    await until(lambda: not server.config.peers.connections.total)
    assert now() - begun <= 2 * TICK


@pytest.mark.parametrize("path", ["wait", "large"])
async def test_a_handshake_behind_a_response_that_is_owed_ends_the_connection(server: Listening, path: str) -> None:
    """After the switch of protocols nobody would end the response, nor hold back who does not read it."""
    line = await server.line()
    await line.send(b"GET /%s HTTP/1.1\r\nhost: h\r\n\r\n" % path.encode())
    await until(lambda: server.app.running == 1)
    if path == "large":
        await until(lambda: server.protocols[0].flow.write_paused)
    await line.send(HANDSHAKE + b"\r\n")
    await until(lambda: not server.app.running)
    await line.rest()
    assert not any(isinstance(one, WebSocketProtocol) for one in server.state.connections)
    assert [scope["type"] for scope in server.app.asked] == ["http"]

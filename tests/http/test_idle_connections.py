"""A thousand clients that hang on the line: the gateway in a process of its own, and raw sockets."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.process import address, started

CONNECTIONS = 1_000
# Of the process, for each: tasks, timers, buffers and what the protocol knows of it. Measured at a third of this.
KIBIBYTES = 100
KEY = base64.b64encode(b"0123456789abcdef").decode()
MASK = b"\0\0\0\0"  # masking with zeros changes nothing


class Line:
    """A WebSocket by hand: what costs the server must not cost the test as well."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, url: str) -> Line:
        host, _, port = url.removeprefix("http://").partition(":")
        line = cls(*await asyncio.open_connection(host, int(port)))
        line.writer.write(
            f"GET /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"permessage-deflate" not in head.lower()
        return line

    def send(self, **message: Any) -> None:
        payload = json.dumps(message).encode()
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        self.writer.write(b"\x81" + length + MASK + payload)

    async def read(self) -> dict[str, Any]:
        """The next message, or `{"close": code}`."""
        while True:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            payload = await self.reader.readexactly(length)
            if first == 0x88:
                return {"close": struct.unpack(">H", payload[:2])[0]}
            if first == 0x81:
                read: dict[str, Any] = json.loads(payload)
                return read

    async def init(self) -> None:
        self.send(type="connection_init")
        assert await self.read() == {"type": "connection_ack"}


class Served:
    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.status = Path(f"/proc/{pid}/status")

    @property
    def resident(self) -> int:
        """Memory in KiB."""
        return next(int(line.split()[1]) for line in self.status.read_text().splitlines() if line.startswith("VmRSS"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, process):
        url = address(announcement)
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            client.get(f"{url}/healthz").raise_for_status()
        served = Served(url, process.pid)
        if not served.status.exists():
            pytest.skip("/proc is needed to see the memory of a process: run it on Linux")
        yield served


async def test_a_thousand_idle_connections_cost_bounded_memory_and_nobody_elses_service(served: Served) -> None:
    warm = await Line.open(served.url)
    await warm.init()
    before = served.resident
    lines = [warm]
    while len(lines) < CONNECTIONS:
        opened = await asyncio.gather(*(Line.open(served.url) for _ in range(min(100, CONNECTIONS - len(lines)))))
        await asyncio.gather(*(line.init() for line in opened))
        lines += opened
    assert served.resident - before < CONNECTIONS * KIBIBYTES

    refused = await Line.open(served.url)
    refused.send(type="connection_init")
    assert await refused.read() == {"close": 4429}

    lines[-1].send(type="subscribe", id="1", payload={"query": "{ __typename }"})
    assert (await lines[-1].read())["payload"]["data"] == {"__typename": "Query"}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{served.url}/graphql", json={"query": "{ __typename }"})
    assert answer.json()["data"] == {"__typename": "Query"}

    for line in lines:
        line.writer.close()
    await asyncio.gather(*(line.writer.wait_closed() for line in lines), return_exceptions=True)
    again = await Line.open(served.url)
    await again.init()
    again.writer.close()
    refused.writer.close()


async def test_a_message_over_the_limit_is_refused_before_it_is_read(served: Served) -> None:
    line = await Line.open(served.url)
    line.writer.write(b"\x81\xff" + struct.pack(">Q", 2_000_000) + MASK + b" " * 1_000)
    assert await line.read() == {"close": 1009}
    line.writer.close()

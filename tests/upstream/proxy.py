"""A proxy on a real socket: it tunnels for CONNECT, answers what is sent in the clear, and notes who asked for what."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway.domain.proxies import Proxies, Proxy

NAME, PASSWORD = "name", "p4ssword-that-must-never-be-seen"  # pragma: allowlist secret
ALLOWED = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()


@dataclass
class Relay:
    """Whatever host is asked for, it leads to `port` of this machine, or answers `plain`; or refuses with `status`."""

    number: int = 0
    port: int = 0
    plain: bytes = b""
    status: str = "200 OK"
    heads: list[str] = field(default_factory=list)

    @property
    def proxy(self) -> Proxy:
        return Proxy("HTTPS_PROXY", f"http://{NAME}:{PASSWORD}@127.0.0.1:{self.number}")

    @property
    def proxies(self) -> Proxies:
        return Proxies({"https": self.proxy})

    @property
    def asked(self) -> list[str]:
        """Method and target of each request."""
        return [head.partition(" HTTP/")[0] for head in self.heads]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if not head.startswith("CONNECT"):
                writer.write(self.plain)
            else:
                writer.write(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
                if self.status.startswith("200"):
                    await self._tunnel(reader, writer)
        writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        pumps = [asyncio.create_task(pump) for pump in (_pumped(reader, back), _pumped(there, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            back.close()


async def _pumped(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()


@contextlib.asynccontextmanager
async def relaying(**given: object) -> AsyncIterator[Relay]:
    relay = Relay(**given)  # type: ignore[arg-type]
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.number = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()

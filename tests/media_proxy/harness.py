"""A picture server, the proxy in front of it, and pages that ask for pictures."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Message

from gateway.http.routes.media import route
from gateway.media_proxy.proxy import SMALL, MediaProxy
from gateway.media_proxy.signed_urls import MediaClaims, UrlSigner
from gateway.upstream.egress.cdn_client import MediaServers, PlatformServers
from tests.fakes.clock import EPOCH, ManualClock
from tests.media_proxy.servers import Answer, Asked, Host, client_tls, host, says

PHOTO = bytes(range(256)) * 200
FILM = bytes(range(251)) * (3 * SMALL // 251)
TOKENS = UrlSigner(b"secret")
LIFE = 1_000


@dataclass
class Stage:
    """A picture server, the proxy in front of it, and a page that asks for pictures."""

    host: Host
    clock: ManualClock
    proxy: MediaProxy
    client: httpx.AsyncClient
    app: Starlette
    renewals: list[tuple[str, str]] = field(default_factory=list)
    newer: str | None = None

    def url(self, path: str = "/v/1_n.jpg?oh=a&oe=b", name: str = "scontent.cdninstagram.com") -> str:
        return self.host.url(path, host=name)

    def link(self, url: str | None = None) -> str:
        return "/media/" + TOKENS.sign(MediaClaims(url or self.url(), "item:1", int(EPOCH) + LIFE))

    async def get(self, url: str | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(self.link(url), headers=named)

    async def renewed(self, reference: str, url: str) -> str | None:
        self.renewals.append((reference, url))
        return self.newer


@contextlib.asynccontextmanager
async def staged(answer: Answer, **limits: Any) -> AsyncIterator[Stage]:
    stage: Stage
    async with host(answer) as running:
        clock = ManualClock()
        servers = MediaServers([PlatformServers(running.guard, connections=100, tls=client_tls())], **limits)

        async def renew(reference: str, url: str) -> str | None:
            return await stage.renewed(reference, url)

        proxy = MediaProxy(servers, renew, clock=clock, max_bytes=4 * SMALL)
        app = Starlette(routes=[route(TOKENS, proxy, clock)])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            stage = Stage(running, clock, proxy, client, app)
            yield stage
        await proxy.drain()
        await servers.aclose()


async def films(asked: Asked, writer: asyncio.StreamWriter) -> None:
    part = asked.headers.get("range")
    if part is None:
        return await says(body=FILM, content_type="video/mp4")(asked, writer)
    first, last = (int(end) for end in part.removeprefix("bytes=").split("-"))
    told = f"bytes {first}-{last}/{len(FILM)}"
    answer = says("206 Partial Content", FILM[first : last + 1], content_type="video/mp4", content_range=told)
    await answer(asked, writer)


class Page:
    """An ASGI client that reads as slowly as it likes, and can hang up."""

    def __init__(
        self,
        stage: Stage,
        link: str | None = None,
        *,
        reads: asyncio.Event | None = None,
        peer: str = "192.0.2.1",
    ) -> None:
        self.app = stage.app
        self.link = link or stage.link()
        self.reads = reads
        self.peer = peer
        self.gone = asyncio.Event()
        self.begun = asyncio.Event()
        self.status = 0
        self.retry_after: bytes | None = None
        self.size = 0
        self.digest = hashlib.sha256()
        self.is_complete = False

    async def ask(self) -> None:
        scope = {"type": "http", "method": "GET", "path": self.link, "query_string": b"", "headers": [], "state": {}}
        await self.app({**scope, "client": (self.peer, 1)}, self._receive, self._send)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.retry_after = dict(message["headers"]).get(b"retry-after")
            self.begun.set()
            if self.reads is not None and self.status == 200:
                await self.reads.wait()
        else:
            self.size += len(message["body"])
            self.digest.update(message["body"])
            self.is_complete = not message.get("more_body", False)


async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\nconnection: close\r\n\r\n")
    while not writer.is_closing():
        writer.write(bytes(100_000))
        await writer.drain()
        await asyncio.sleep(0)  # or a loss of the connection would never be noticed
    raise ConnectionError

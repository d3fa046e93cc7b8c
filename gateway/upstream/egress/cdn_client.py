"""The client of the platform's CDN, which streams one medium from allowed hosts only.

Rules of the CDN: signed URLs are on `*.cdninstagram.com` and `*.fbcdn.net`; an expired or revoked signature is answered
with 403 "URL signature expired" or "URL signature mismatch".
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import httpx

from gateway.domain.proxies import DIRECT, Proxies, Proxy
from gateway.errors import UpstreamError, UpstreamInvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from gateway.upstream.client.network import ByProxies, OnDemand, over_network
from gateway.upstream.egress.address_policy import AddressNotAllowed, AddressPolicy
from gateway.upstream.egress.redirects import follow
from gateway.version import user_agent

DOMAINS = (".cdninstagram.com", ".fbcdn.net")
# SVG is excluded: it can contain scripts, which would run in the gateway's origin.
TYPES = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/heic", "image/heif", "image/avif"}
    | {"video/mp4", "video/quicktime", "video/webm"}
)
LARGEST = 200_000_000  # bytes
CONNECT = 5.0  # seconds
SILENCE = 10.0  # seconds between two pieces of a response
DEAD = frozenset({401, 403, 404, 410})
WHOLE, PART, UNSATISFIABLE = 200, 206, 416


class UrlExpired(Exception):
    """The server no longer accepts the URL's signature."""


class OutOfRange(Exception):
    """The medium lacks the requested bytes; `length` is its size in bytes, if the server names it."""

    def __init__(self, length: int | None) -> None:
        super().__init__()
        self.length = length


@dataclass(frozen=True, slots=True)
class MediaResponse:
    """A response whose body is unread. `length` is the body's, in bytes, if the server names it.

    `content_range` is set for a partial response. The caller closes the response.
    """

    content_type: str
    length: int | None
    content_range: str | None
    _response: httpx.Response
    _largest: int = LARGEST

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body. Raises UpstreamError if it breaks off, or exceeds its size."""
        left = self._largest if self.length is None else self.length
        try:
            async for chunk in self._response.aiter_raw():
                left -= len(chunk)
                if left < 0:
                    raise UpstreamInvalidAnswer("The media server sent a file that exceeds the size limit.")
                yield chunk
        except (httpx.HTTPError, OSError) as exc:
            raise _error(exc) from exc
        if self.length is not None and left:
            raise UpstreamInvalidAnswer("The media server sent fewer bytes than announced.")

    async def aclose(self) -> None:
        await self._response.aclose()


class Server(Protocol):
    """A server of the media of some URLs."""

    def serves(self, url: str) -> bool: ...

    async def send(self, request: httpx.Request) -> httpx.Response: ...

    async def aclose(self) -> None: ...


class PlatformServers:
    """The platform's CDN servers, over the network."""

    def __init__(
        self,
        guard: AddressPolicy,
        *,
        connections: int,
        domains: Sequence[str] = DOMAINS,
        proxies: Proxies = DIRECT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Create the servers. A proxy is used only for the platform's hosts, and TLS verifies that it leads there."""
        self._guard = guard
        self._domains = tuple(domains)
        make = partial(over_network, connections=connections, keep_alive=10.0, tls=tls)

        def by(proxy: Proxy | None) -> httpx.AsyncBaseTransport:
            return OnDemand(partial(make, guard=guard) if proxy is None else partial(make, proxy=proxy))

        self._transport = ByProxies(proxies, by)

    def serves(self, url: str) -> bool:
        try:
            host, _ = self._guard.check(url)
        except AddressNotAllowed:
            return False
        return host.endswith(self._domains)

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


class EmbeddedServer:
    """The sandbox's CDN: its URLs begin with `prefix`, and `transport` serves the rest of their path."""

    def __init__(self, prefix: str, transport: httpx.AsyncBaseTransport) -> None:
        self._prefix = prefix.rstrip("/")
        self._transport = transport

    def serves(self, url: str) -> bool:
        return url.startswith(f"{self._prefix}/cdn/") and ".." not in url

    async def send(self, request: httpx.Request) -> httpx.Response:
        target = str(request.url).removeprefix(self._prefix)
        inside = httpx.Request(request.method, f"http://sandbox{target}", headers=request.headers)
        return await self._transport.handle_async_request(inside)

    async def aclose(self) -> None:
        await self._transport.aclose()


class MediaServers:
    """All allowed servers. A redirect must stay on the server that sent it.

    `largest` is the maximum size of a medium in bytes, `silence` the maximum of seconds between two pieces of it.
    """

    def __init__(self, servers: Sequence[Server], *, largest: int = LARGEST, silence: float = SILENCE) -> None:
        self._servers = tuple(servers)
        self._largest = largest
        self._timeouts = {"connect": CONNECT, "read": silence, "write": silence, "pool": CONNECT}
        # Compressed bytes could not be cut into ranges, and might decompress to more than the measured size.
        self._headers = {"user-agent": user_agent(), "accept": "image/*, video/*", "accept-encoding": "identity"}

    def serves(self, url: str) -> bool:
        return self._server(url) is not None

    async def open(self, url: str, *, method: str = "GET", part: str | None = None) -> MediaResponse:
        """Request a medium. `part` is a Range header. Raises UrlExpired, OutOfRange and UpstreamError."""
        try:
            response = await self._request(url, method, self._headers | ({"range": part} if part else {}))
        except AddressNotAllowed as exc:
            raise UpstreamInvalidAnswer("The media server redirected to another kind of server.") from exc
        except (httpx.HTTPError, OSError) as exc:
            raise _error(exc) from exc
        try:
            return _media_response(response, self._largest)
        except BaseException:
            await response.aclose()
            raise

    async def honours(self, url: str) -> bool:
        """Return False if the URL has expired; True if it is accepted, or if that is unknown."""
        try:
            found = await self.open(url, method="HEAD")
        except UrlExpired:
            return False
        except (OutOfRange, UpstreamError):
            return True
        await found.aclose()
        return True

    async def aclose(self) -> None:
        for server in self._servers:
            await server.aclose()

    def _server(self, url: str) -> Server | None:
        return next((server for server in self._servers if server.serves(url)), None)

    async def _request(self, url: str, method: str, headers: dict[str, str]) -> httpx.Response:
        server = self._server(url)
        if server is None:
            raise AddressNotAllowed("is not on a media server")

        async def permit(at: str) -> None:
            if not server.serves(at):
                raise AddressNotAllowed("is on another media server")

        async def ask(at: str) -> httpx.Response:
            return await server.send(httpx.Request(method, at, headers=headers, extensions={"timeout": self._timeouts}))

        return await follow(url, permit=permit, ask=ask)


def _media_response(response: httpx.Response, largest: int) -> MediaResponse:
    headers = response.headers
    if response.status_code in DEAD:
        raise UrlExpired
    if response.status_code == UNSATISFIABLE:
        raise OutOfRange(_number(headers.get("content-range", "").removeprefix("bytes */")))
    if response.status_code not in (WHOLE, PART):
        raise UpstreamUnavailable("The media server returned a server error.")
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = _number(headers.get("content-length", ""))
    if content_type not in TYPES or headers.get("content-encoding", "identity") != "identity":
        raise UpstreamInvalidAnswer("The media server sent a file that is neither an image nor a video.")
    if length is not None and length > largest:
        raise UpstreamInvalidAnswer("The media server sent a file that exceeds the size limit.")
    part = headers.get("content-range") if response.status_code == PART else None
    return MediaResponse(content_type, length, part, response, largest)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _error(exc: Exception) -> UpstreamError:
    # A ConnectTimeout is not proof of a slow server: the transport reports every failed connection as one.
    if isinstance(exc, httpx.ReadTimeout | httpx.WriteTimeout | TimeoutError):
        return UpstreamTimeout("The media server timed out.")
    return UpstreamUnavailable("Could not connect to the media server.")

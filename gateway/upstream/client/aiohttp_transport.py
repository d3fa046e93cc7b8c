"""The default HTTP transport: httpx's interface over aiohttp's connections.

With its own connection pool httpx 0.28 costs ten times as much per call at 30 connections, because it rescans the pool
for each call.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from functools import cache, partial
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions

from gateway.domain.proxies import Proxy
from gateway.scheduling import turn
from gateway.upstream.client.prepared_requests import PreparedGet
from gateway.upstream.egress.address_policy import AddressPolicy

# Bytes of a response that may be buffered, and a sixteenth as many chunks: reading each chunk costs time.
BUFFER = 64 * 1024
# Response heads that may be queued: informational ones (1xx) precede the final one.
MOST_HEADS = 8
# Bytes of chunked framing (sizes, extensions, trailers): a fixed allowance, and so many more for each byte of the body.
# A body that is sent byte by byte takes five.
FRAMING = 64 * 1024
MOST_FRAMING = 8


def aiohttp_transport(
    *,
    connections: int,
    keep_alive: float,
    guard: AddressPolicy | None = None,
    proxy: Proxy | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """Return a transport. `keep_alive` is how many seconds a connection may stay idle. Cookies are ignored.

    With a guard, names are resolved by its lookup, and opening a socket to an address that it does not admit raises
    httpx.TransportError. A proxy resolves names and opens sockets itself, so a guard cannot be combined with one.
    """
    assert guard is None or proxy is None
    tls = tls or httpx.create_ssl_context()
    guarded: dict[str, Any] = {} if guard is None else _guarded(guard)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(limit=connections, keepalive_timeout=keep_alive, ssl=tls, **guarded),
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=BUFFER,
            middlewares=(_map_exceptions,),
            proxy=None if proxy is None else proxy.url,
        )

    return _Transport(verify=tls, client=session)


class _Connector(aiohttp.TCPConnector):
    """aiohttp's connector with connections of the class `_Connection`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        made: Any = partial(_Connection, loop=self._loop)
        self._factory = made


class _Connection(ResponseHandler):
    """A connection with bounds on queued heads and on chunked framing.

    It is closed when unsolicited heads arrive, because aiohttp queues them without a limit, on idle connections too. It
    is closed when the framing outweighs the body, because framing is parsed and has no other limit.
    """

    _framing = 0

    def is_connected(self) -> bool:
        """Return False if a head is queued: the next request would take it for its own response."""
        return super().is_connected() and not len(self)

    def data_received(self, data: bytes) -> None:
        payload, before = self._payload, _body_bytes(self._payload)
        super().data_received(data)
        if payload is None or payload is not self._payload:
            self._framing = 0
        else:
            received = _body_bytes(payload)
            self._framing += len(data) - (received - before)
            if self._framing > FRAMING + MOST_FRAMING * received:
                self.close()
        if len(self) > MOST_HEADS:
            self.close()
            self.set_exception(HttpProcessingError(message="More heads came than requests went."))


def _body_bytes(payload: aiohttp.StreamReader | None) -> int:
    """Return the bytes received so far of a response's body."""
    return 0 if payload is None else payload.total_bytes


class _Transport(AiohttpTransport):
    """A transport that passes a `PreparedGet` to aiohttp directly: converting it and its response outlasts the call."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(request, PreparedGet):
            response = await super().handle_async_request(request)
            assert isinstance(response.stream, AiohttpResponseStream)
            response.stream = _Body(response.stream._aiohttp_response)
            return response
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        kind = request.kind
        with map_aiohttp_exceptions():
            source = await self.client.get(
                request.address,
                headers=kind.headers,
                timeout=_timeout(*kind.patience),
                allow_redirects=False,
                auto_decompress=False,
            )
        return _PreparedResponse(source)


@cache
def _timeout(pool: float, connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)


class _PreparedResponse(httpx.Response):
    """The response to a `PreparedGet`."""

    def __init__(self, source: aiohttp.ClientResponse) -> None:
        super().__init__(source.status, headers=source.raw_headers, stream=_Body(source))
        self._source = source

    async def aclose(self) -> None:
        if self._source.content.is_eof():
            self._source.release()
        else:
            self._source.close()  # closes the connection too, on which the rest would arrive


class _Body(AiohttpResponseStream):
    """A response's body in pieces as they arrive: most responses are one piece.

    Other tasks run between pieces, because an upstream that sends faster than we read would hold the event loop.
    """

    def __init__(self, source: aiohttp.ClientResponse) -> None:
        super().__init__(source)
        self._content = source.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with map_aiohttp_exceptions():
            while piece := await self._content.readany():
                yield piece
                if not self._content.at_eof():
                    await turn()


async def _map_exceptions(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Map the errors that aiohttp raises before a response to httpx's errors.

    This prevents two faults. aiohttp silently resends a request whose connection drops, although `UpstreamClient` alone
    retries and accounts for each attempt. And the transport reports a dropped connection as a connect timeout.
    """
    try:
        response = await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ServerTimeoutError):
        raise
    except aiohttp.ServerDisconnectedError as exc:
        if isinstance(exc.message, str):
            raise httpx.ReadError("The connection was closed before the response began.") from exc
        raise httpx.DecodingError("The connection was closed within the response head.") from exc
    except aiohttp.ClientConnectionError as exc:
        raise httpx.ReadError("The connection broke before the response began.") from exc
    except aiohttp.ClientResponseError as exc:
        raise httpx.DecodingError("The response is not HTTP.") from exc
    response.reason = None  # unused here, and the transport raises if it is not UTF-8
    return response


def _guarded(guard: AddressPolicy) -> dict[str, Any]:
    # Caching admitted addresses would be safe, but gains nothing where each host is requested once.
    return {"resolver": _Resolver(guard), "use_dns_cache": False, "socket_factory": guard.open}


class _Resolver(AbstractResolver):
    """aiohttp's resolver interface over the guard's lookup."""

    def __init__(self, guard: AddressPolicy) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=0)
            for address in await self._guard.lookup(host, port)
        ]

    async def close(self) -> None:
        """Do nothing: the resolver holds no resources."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET

"""The HTTP transport in use unless another one is given: httpx's interface over aiohttp's connections.

Over its own pool httpx 0.28 costs ten times as much per call at 30 connections, because it rescans the pool each time.
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

# Bytes of an answer that wait to be taken, and a sixteenth as many chunks of it: each takes its time when it is taken.
BUFFER = 64 * 1024
# Of answers that wait to be taken: what announces an answer (1xx) comes before its own.
MOST_HEADS = 8
# Bytes of an answer's chunks that are not its body: sizes, extensions, trailers. In all, and for each byte of the body
# beside them; a body that comes byte by byte takes five.
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
    """`keep_alive` is how many seconds a connection may stay idle. Cookies are neither kept nor sent.

    With a guard, names are resolved by its lookup, and no socket is opened to an address it does not admit: that is
    httpx.TransportError. By way of a proxy it is the proxy that resolves names and opens sockets: there is no guard.
    """
    assert guard is None or proxy is None
    tls = tls or httpx.create_ssl_context()
    guarded: dict[str, Any] = {} if guard is None else _guarded(guard)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(limit=connections, keepalive_timeout=keep_alive, ssl=tls, **guarded),
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=BUFFER,
            middlewares=(_translate,),
            proxy=None if proxy is None else proxy.url,
        )

    return _Transport(verify=tls, client=session)


class _Connector(aiohttp.TCPConnector):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        made: Any = partial(_Connection, loop=self._loop)
        self._factory = made


class _Connection(ResponseHandler):
    """Closed when heads come that nobody asked for: aiohttp queues them without end, on an idle connection too.

    Also when what stands around the chunks of a body is more than the body: it is parsed, and bounded by nothing else.
    """

    _framing = 0

    def is_connected(self) -> bool:
        """False with a head that waits: the next request would take it for its answer."""
        return super().is_connected() and not len(self)

    def data_received(self, data: bytes) -> None:
        payload, before = self._payload, _came(self._payload)
        super().data_received(data)
        if payload is None or payload is not self._payload:
            self._framing = 0
        else:
            came = _came(payload)
            self._framing += len(data) - (came - before)
            if self._framing > FRAMING + MOST_FRAMING * came:
                self.close()
        if len(self) > MOST_HEADS:
            self.close()
            self.set_exception(HttpProcessingError(message="More heads came than requests went."))


def _came(payload: aiohttp.StreamReader | None) -> int:
    """Bytes of an answer's body."""
    return 0 if payload is None else payload.total_bytes


class _Transport(AiohttpTransport):
    """A `PreparedGet` goes to aiohttp as it is: translating it and its answer takes longer than the call."""

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
                timeout=_patience(*kind.patience),
                allow_redirects=False,
                auto_decompress=False,
            )
        return _Answer(source)


@cache
def _patience(pool: float, connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)


class _Answer(httpx.Response):
    """Of a `PreparedGet`."""

    def __init__(self, source: aiohttp.ClientResponse) -> None:
        super().__init__(source.status, headers=source.raw_headers, stream=_Body(source))
        self._source = source

    async def aclose(self) -> None:
        if self._source.content.is_eof():
            self._source.release()
        else:
            self._source.close()  # with its connection, on which the rest would come


class _Body(AiohttpResponseStream):
    """Its pieces are whatever has come: most answers are one.

    Between pieces others have their turn, or an upstream that sends faster than we read would hold the loop.
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


async def _translate(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Names aiohttp's errors before an answer by what they mean.

    Two things would go wrong otherwise. aiohttp silently sends a request again when its connection drops: retries have
    one owner here, and each attempt is accounted for. And the transport reports a dropped connection as a timeout of
    connecting.
    """
    try:
        answer = await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ServerTimeoutError):
        raise
    except aiohttp.ServerDisconnectedError as exc:
        if isinstance(exc.message, str):
            raise httpx.ReadError("The connection ended before the answer began.") from exc
        raise httpx.DecodingError("The connection ended within the answer's head.") from exc
    except aiohttp.ClientConnectionError as exc:
        raise httpx.ReadError("The connection broke before the answer began.") from exc
    except aiohttp.ClientResponseError as exc:
        raise httpx.DecodingError("The answer is not HTTP.") from exc
    answer.reason = None  # no part of the answer: it may be no UTF-8, which the transport would raise for
    return answer


def _guarded(guard: AddressPolicy) -> dict[str, Any]:
    # Remembered addresses were admitted, too, but a short memory is no gain where each host is asked once.
    return {"resolver": _Resolver(guard), "use_dns_cache": False, "socket_factory": guard.open}


class _Resolver(AbstractResolver):
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
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET

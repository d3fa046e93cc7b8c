"""Network transports, whose library and certificates are loaded with the first of them.

With the embedded sandbox there is none at the start: the gateway uses the network only for a URL that a client names.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpx

from gateway.domain.proxies import Proxies, Proxy
from gateway.upstream.egress.address_policy import AddressPolicy


def over_network(
    *,
    connections: int,
    keep_alive: float,
    guard: AddressPolicy | None = None,
    proxy: Proxy | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """Return an `aiohttp_transport`, and load its library now so that the first call does not wait for that."""
    from gateway.upstream.client.aiohttp_transport import aiohttp_transport

    return aiohttp_transport(connections=connections, keep_alive=keep_alive, guard=guard, proxy=proxy, tls=tls)


class ByProxies(httpx.AsyncBaseTransport):
    """One transport per proxy, and one without a proxy. `make` creates the transport for a proxy or None."""

    def __init__(self, proxies: Proxies, make: Callable[[Proxy | None], httpx.AsyncBaseTransport]) -> None:
        self._proxies = proxies
        self._make = make
        self._made: dict[Proxy | None, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._proxies.to(str(request.url))
        if proxy not in self._made:
            self._made[proxy] = self._make(proxy)
        return await self._made[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._made.values():
            await transport.aclose()


class OnDemand(httpx.AsyncBaseTransport):
    """A transport that `make` creates at the first request, in a thread so that the event loop is not blocked."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._made: httpx.AsyncBaseTransport | None = None
        self._turn = asyncio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await (self._made or await self._first()).handle_async_request(request)

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()

    async def _first(self) -> httpx.AsyncBaseTransport:
        async with self._turn:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

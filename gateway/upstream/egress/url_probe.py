"""A probe of a URL from a client: its target and content type, without a download."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

import httpx

from gateway.domain.proxies import DIRECT, Proxies
from gateway.upstream.client.network import OnDemand, over_network
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.redirects import follow
from gateway.version import user_agent

# A slower host is left to the upstream, which will fetch from it: the client waits for the probe.
PATIENCE = 4.0  # seconds, all redirects included
AT_ONCE = 8


class Unreached(Exception):
    """The probe had no result. The upstream may nevertheless be able to reach the URL."""


class Probe:
    """A probe by HEAD that checks addresses with a guard. It uses no proxy, whose target could not be checked."""

    def __init__(self, guard: AddressPolicy, transport: httpx.AsyncBaseTransport, proxies: Proxies) -> None:
        self._guard = guard
        self._transport = transport
        self._proxies = proxies
        self._turns = asyncio.Semaphore(AT_ONCE)

    @classmethod
    def over_network(
        cls, guard: AddressPolicy, *, proxies: Proxies = DIRECT, tls: ssl.SSLContext | None = None
    ) -> Probe:
        make = partial(over_network, connections=AT_ONCE, keep_alive=1.0, guard=guard, tls=tls)
        return cls(guard, OnDemand(make), proxies)

    async def content_type(self, url: str) -> str | None:
        """Return the Content-Type in lower case, without parameters. Raises AddressNotAllowed and Unreached."""
        self._guard.check(url)
        try:
            async with asyncio.timeout(PATIENCE), self._turns:
                response = await follow(url, permit=self._permit, ask=self._head)
                await response.aclose()
        except (httpx.HTTPError, OSError) as exc:
            raise Unreached from exc
        if not response.is_success:
            raise Unreached
        return response.headers.get("content-type", "").partition(";")[0].strip().lower() or None

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _permit(self, url: str) -> None:
        self._guard.check(url)
        if self._proxies.to(url) is not None or not await self._guard.resolve(url):
            raise Unreached

    async def _head(self, url: str) -> httpx.Response:
        return await self._transport.handle_async_request(
            httpx.Request("HEAD", url, headers={"user-agent": user_agent()})
        )

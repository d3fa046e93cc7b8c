"""The media proxy's part of the composition root: the proxy, and the links to it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable

import httpx
from starlette.routing import Route

from gateway.billing.budget import OperationBudget
from gateway.clock import Clock
from gateway.durable.encryption import KeyFileError, key_in
from gateway.http.routes.media import route
from gateway.media_proxy.links import Links
from gateway.media_proxy.proxy import STREAMS, MediaProxy
from gateway.media_proxy.signed_urls import UrlSigner
from gateway.media_proxy.url_refresh import UrlRefresher
from gateway.planner.fetcher import UpstreamServices
from gateway.settings import Settings
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.cdn_client import EmbeddedServer, MediaServers, PlatformServers

KEY_FILE = "media.key"
KEY_BYTES = 32


class MediaProxyComponent:
    """The media proxy of one process.

    `sandbox` is the transport to the embedded sandbox, whose URLs begin with `sandbox_url`; `budget` returns the budget
    of a URL refresh.
    """

    def __init__(
        self,
        settings: Settings,
        sandbox: httpx.AsyncBaseTransport | None,
        *,
        base_url: str,
        sandbox_url: str,
        services: UpstreamServices,
        budget: Callable[[], OperationBudget],
        clock: Clock,
    ) -> None:
        embedded = [] if sandbox is None else [EmbeddedServer(sandbox_url, sandbox)]
        platform = PlatformServers(AddressPolicy(), connections=STREAMS, proxies=settings.proxies)
        self._servers = MediaServers([*embedded, platform])
        self._refresher = UrlRefresher(services, budget, is_alive=self._servers.honours)
        self._proxy = MediaProxy(self._servers, self._refresher, clock=clock, max_bytes=settings.media_bytes)
        self._tokens = UrlSigner(_secret(settings))
        self._clock = clock
        url = settings.public_url or base_url
        self.links = Links(self._tokens, url, serves=self._servers.serves, clock=clock)

    def routes(self) -> list[Route]:
        return [route(self._tokens, self._proxy, self._clock)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._proxy.drain()
            await self._refresher.drain()
            await self._servers.aclose()


def _secret(settings: Settings) -> bytes:
    if settings.media_secret is not None:
        return settings.media_secret.encode()
    try:
        return key_in(settings.data_dir, KEY_FILE)
    except KeyFileError:
        # Links then expire with this process, which is no reason to refuse to start.
        return secrets.token_bytes(KEY_BYTES)

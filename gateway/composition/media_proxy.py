"""The media proxy's part of the composition root: the proxy, and the links to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from starlette.routing import Route

from gateway.clients.entries import MEDIA_PROXY
from gateway.composition.gateway_keys import GatewayKeys
from gateway.composition.sandbox import PATH, EmbeddedSandbox
from gateway.composition.spending import Spending
from gateway.http.routes.media import route
from gateway.media_proxy.links import Links
from gateway.media_proxy.proxy import STREAMS, MediaProxy
from gateway.media_proxy.signed_urls import UrlSigner
from gateway.media_proxy.url_refresh import UrlRefresher
from gateway.planner.upstream_services import UpstreamServices
from gateway.settings import Settings
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.cdn_client import EmbeddedServer, MediaServers, PlatformServers

# Billed requests per refresh of an image URL: the most expensive answer is a tray, for two, and prices may change.
RENEWAL_CEILING = 4


class MediaProxyComponent:
    """The media proxy of one process. The gateway pays for URL refreshes: a link does not name the client."""

    def __init__(
        self,
        settings: Settings,
        sandbox: EmbeddedSandbox | None,
        base_url: str,
        services: UpstreamServices,
        spending: Spending,
        keys: GatewayKeys,
    ) -> None:
        """Build the parts. `sandbox` serves the media of the embedded upstream."""
        clock = services.clock
        embedded = [] if sandbox is None else [EmbeddedServer(base_url + PATH, sandbox.transport)]
        platform = PlatformServers(AddressPolicy(), connections=STREAMS, proxies=settings.proxies)
        self._servers = MediaServers([*embedded, platform])
        budget = partial(spending.budget, RENEWAL_CEILING, MEDIA_PROXY, dict(settings.media_allowance))
        self._refresher = UrlRefresher(services, budget, is_alive=self._servers.honours)
        self.proxy = MediaProxy(self._servers, self._refresher, clock=clock, max_bytes=settings.media_bytes)
        self._tokens = UrlSigner(keys.media)
        self._clock = clock
        url = settings.public_url or base_url
        self.links = Links(self._tokens, url, serves=self._servers.serves, clock=clock)

    def routes(self) -> list[Route]:
        return [route(self._tokens, self.proxy, self._clock)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self.proxy.drain()
            await self._refresher.drain()
            await self._servers.aclose()

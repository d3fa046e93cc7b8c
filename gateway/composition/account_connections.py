"""The connected accounts of one process: their store, the OAuth client of the provider, and the refresh of tokens."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Callable

import httpx

from gateway.accounts.accounts import Accounts
from gateway.accounts.connected_tokens import ConnectedTokens
from gateway.accounts.connecting import Connector, PkOf
from gateway.accounts.oauth_client import OAuthClient
from gateway.accounts.providers import INSTAGRAM, PLATFORM, Provider, instagram_provider, platform_provider
from gateway.accounts.refreshing import TokenRefresher
from gateway.clients import Clients, Right
from gateway.clock import Clock
from gateway.composition.account_vault import account_store
from gateway.composition.background import background
from gateway.composition.publisher import SANDBOXED_URL
from gateway.composition.sandbox import PATH as SANDBOX_PATH
from gateway.domain.hosts import origin_of
from gateway.events import Hook
from gateway.http.routes.oauth import CALLBACK
from gateway.settings import Settings
from gateway.upstream.client.network import ByProxies, over_network
from gateway.upstream.platforms.access_tokens import AccessTokens
from gateway.upstream.platforms.client import PublishingClient
from gateway.upstream.platforms.dialects import Dialect, oauth_requests, pace

SANDBOX_APP = "sandbox"  # its id and its secret


class AccountConnections:
    """The parts. Only a gateway with an app at the platform, or with the sandbox, has them."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        base_url: str,
        *,
        clients: Clients,
        pk_of: PkOf,
        clock: Clock,
        hook: Hook,
        on_change: Callable[[str], None],
    ) -> None:
        """Open the store, if there is one. Raise Unusable, also for a wrong key of the vault."""
        rng = random.Random()  # nosec B311 # noqa: S311 (spreads refreshes, is no secret)
        public_url = settings.public_url or base_url
        own_origin = origin_of(public_url)
        assert own_origin is not None, "the setting is an http or https URL without credentials"
        self.provider = _provider(settings, public_url)
        self.accounts = Accounts(account_store(settings), clock, on_change)
        self._clock, self._hook = clock, hook
        self._oauth = OAuthClient(
            self.provider,
            _requests(settings, transport, clock, hook),
            app_id=settings.platform_app_id or SANDBOX_APP,
            app_secret=settings.platform_app_secret or SANDBOX_APP,
            redirect_uri=public_url + CALLBACK,
        )
        self._refresher = TokenRefresher(self.accounts, self._oauth, clock=clock, hook=hook, rng=rng)
        self.connector = Connector(
            self.accounts,
            self._oauth,
            may_connect=lambda client, account: _may_connect(clients, client, account),
            pk_of=pk_of,
            origins=(settings.return_origins or frozenset()) | {own_origin},
            clock=clock,
            hook=hook,
            rng=rng,
        )

    def tokens(self, configured: AccessTokens | None) -> AccessTokens:
        """Return the tokens of the connected accounts, together with the configured one."""
        return ConnectedTokens(
            self.accounts, configured, self._refresher, provider=PLATFORM, clock=self._clock, hook=self._hook
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with background(self.accounts.watch, self._refresher.watch):
                yield
        finally:
            await self._oauth.aclose()


def _requests(
    settings: Settings, transport: httpx.AsyncBaseTransport | None, clock: Clock, hook: Hook
) -> PublishingClient:
    """Return the client for requests to OAuth servers: the embedded sandbox's, or any over the network."""
    policy = pace(settings.platform_timeout)
    if transport is None or settings.platform_url is not None:
        transport = ByProxies(
            settings.proxies,
            lambda proxy: over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy),
        )
    return oauth_requests(transport=transport, policy=policy, rate=settings.platform_rate, clock=clock, hook=hook)


def can_connect(settings: Settings) -> bool:
    """Return whether accounts can be connected: to an app at the platform, or in the sandbox."""
    is_embedded = settings.platform_url is None
    return Dialect(settings.platform_dialect) is Dialect.PLATFORM and (
        is_embedded or settings.platform_app_id is not None
    )


def _provider(settings: Settings, public_url: str) -> Provider:
    if settings.platform_url is None:
        api, page = SANDBOXED_URL + settings.platform_login, f"{public_url}{SANDBOX_PATH}/{settings.platform_login}"
        return (
            instagram_provider(page, api, api) if settings.platform_login == INSTAGRAM else platform_provider(api, page)
        )
    return instagram_provider() if settings.platform_login == INSTAGRAM else platform_provider(settings.platform_url)


def _may_connect(clients: Clients, id: str, account: str | None) -> bool:
    """Return whether the client, as the clients file says now, may connect the account, or any."""
    known = [client for client in clients.everyone if client.id == id and not client.is_disabled]
    return any(Right.CONNECT in one.rights and (account is None or one.may(Right.CONNECT, account)) for one in known)

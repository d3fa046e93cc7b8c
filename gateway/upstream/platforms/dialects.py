"""The dialects of publishing upstreams, and a client for each."""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import TypeAlias, assert_never

import httpx

from gateway.clock import Clock
from gateway.domain.proxies import Proxy
from gateway.domain.publishing import Account
from gateway.events import Hook
from gateway.upstream.client.availability import Access
from gateway.upstream.client.client import UpstreamClient
from gateway.upstream.client.network import over_network
from gateway.upstream.platforms import aiograpi, platform, platform_errors
from gateway.upstream.platforms.access_tokens import AccessToken, AccessTokens
from gateway.upstream.platforms.aiograpi import Aiograpi
from gateway.upstream.platforms.authorized import AuthenticatedClient
from gateway.upstream.platforms.client import PublishingClient, PublishingPolicy
from gateway.upstream.platforms.likes import AiograpiLikes, PlatformLikes
from gateway.upstream.platforms.platform import Platform
from gateway.upstream.platforms.port import Publisher

TokensBeside: TypeAlias = Callable[[AccessTokens | None], AccessTokens]
STANDARD = PublishingPolicy()
RATE = 10.0  # requests a second, until the upstream's usage headers ask for less


def pace(timeout: float) -> PublishingPolicy:
    """Return a policy for a response timeout in seconds; waiting in the request queue may add a quarter of it."""
    return PublishingPolicy(read=timeout, deadline=timeout * 1.25)


class Dialect(enum.Enum):
    PLATFORM = "platform"
    AIOGRAPI = "aiograpi"


class PlatformDialect(Platform, PlatformLikes):
    """All that the Platform API can do."""


class AiograpiDialect(Aiograpi, AiograpiLikes):
    """All that aiograpi-rest can do."""


def connect_publisher(
    *,
    dialect: Dialect,
    base_url: str,
    token: str | None,
    clock: Clock,
    hook: Hook,
    transport: httpx.AsyncBaseTransport | None = None,
    proxy: Proxy | None = None,
    policy: PublishingPolicy = STANDARD,
    rate: float = RATE,
    tokens_beside: TokensBeside | None = None,
) -> Publisher:
    """Return a client of the upstream at `base_url` for the account of `token`, an access token or a session id.

    `tokens_beside` returns the tokens of connected accounts together with that one, which may be missing then.
    """
    if transport is None:
        transport = over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy)
    access = Access("publishing", key="GATEWAY_PLATFORM_TOKEN", url="GATEWAY_PLATFORM_URL", clock=clock, hook=hook)
    client = _client(dialect, base_url, transport, policy, rate, clock, hook)
    match dialect:
        case Dialect.PLATFORM:
            owner, refresh = partial(platform.owner, client), partial(platform.refresh, client)
            own = None if token is None else AccessToken(token, owner, hook, refresh, access)
            every = own if tokens_beside is None else tokens_beside(own)
            assert every is not None, "there is a token, or a way to connect accounts"
            return PlatformDialect(AuthenticatedClient(client, every, platform.bearer))
        case Dialect.AIOGRAPI:
            assert token is not None, "accounts are not connected in this dialect"
            tokens = AccessToken(token, partial(aiograpi.owner, client), hook, access=access)
            return AiograpiDialect(AuthenticatedClient(client, tokens, aiograpi.session))
        case _:
            assert_never(dialect)


def oauth_requests(
    *, transport: httpx.AsyncBaseTransport, policy: PublishingPolicy, rate: float, clock: Clock, hook: Hook
) -> PublishingClient:
    """Return a client for the requests to OAuth servers, whose targets are whole URLs."""
    return _client(Dialect.PLATFORM, "", transport, policy, rate, clock, hook)


async def account_of(
    dialect: Dialect,
    base_url: str,
    token: str,
    *,
    transport: httpx.AsyncBaseTransport,
    policy: PublishingPolicy,
    clock: Clock,
    hook: Hook,
) -> Account:
    """Return the account of a token by one request. A token that is refused is not refreshed, as a publisher would.

    Raises UpstreamError and PublishingError.
    """
    client = _client(dialect, base_url, transport, policy, RATE, clock, hook)
    match dialect:
        case Dialect.PLATFORM:
            return await platform.owner(client, token)
        case Dialect.AIOGRAPI:
            return await aiograpi.owner(client, token)
        case _:
            assert_never(dialect)


def _client(
    dialect: Dialect,
    base_url: str,
    transport: httpx.AsyncBaseTransport,
    policy: PublishingPolicy,
    rate: float,
    clock: Clock,
    hook: Hook,
) -> PublishingClient:
    upstream = UpstreamClient(transport, policy=policy, rate=rate, clock=clock, hook=hook, upstream="publishing")
    make = partial(PublishingClient, upstream, base_url=base_url, pace=policy, clock=clock, hook=hook)
    match dialect:
        case Dialect.PLATFORM:
            return make(refusal=lambda reply, spec: platform_errors.error_response(reply, spec.subject))
        case Dialect.AIOGRAPI:
            return make(refusal=aiograpi.refusal)
        case _:
            assert_never(dialect)

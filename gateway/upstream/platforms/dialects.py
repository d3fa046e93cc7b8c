"""The dialects of publishing upstreams, and a client for each."""

from __future__ import annotations

import enum
from functools import partial
from typing import assert_never

import httpx

from gateway.clock import Clock
from gateway.domain.proxies import Proxy
from gateway.domain.publishing import Account
from gateway.events import Hook
from gateway.upstream.client.availability import Access
from gateway.upstream.client.client import UpstreamClient
from gateway.upstream.client.network import over_network
from gateway.upstream.platforms import aiograpi, platform, platform_errors
from gateway.upstream.platforms.access_tokens import AccessToken
from gateway.upstream.platforms.aiograpi import Aiograpi
from gateway.upstream.platforms.authorized import AuthenticatedClient
from gateway.upstream.platforms.client import PublishingClient, PublishingPolicy
from gateway.upstream.platforms.likes import AiograpiLikes, PlatformLikes
from gateway.upstream.platforms.platform import Platform
from gateway.upstream.platforms.port import Publisher

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
    token: str,
    clock: Clock,
    hook: Hook,
    transport: httpx.AsyncBaseTransport | None = None,
    proxy: Proxy | None = None,
    policy: PublishingPolicy = STANDARD,
    rate: float = RATE,
) -> Publisher:
    """Return a client of the upstream at `base_url` for the account of `token`, an access token or a session id."""
    if transport is None:
        transport = over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy)
    access = Access("publishing", key="GATEWAY_PLATFORM_TOKEN", url="GATEWAY_PLATFORM_URL", clock=clock, hook=hook)
    client = _client(dialect, base_url, transport, policy, rate, clock, hook)
    match dialect:
        case Dialect.PLATFORM:
            owner, refresh = partial(platform.owner, client), partial(platform.refresh, client)
            return PlatformDialect(
                AuthenticatedClient(client, AccessToken(token, owner, hook, refresh, access), platform.bearer)
            )
        case Dialect.AIOGRAPI:
            tokens = AccessToken(token, partial(aiograpi.owner, client), hook, access=access)
            return AiograpiDialect(AuthenticatedClient(client, tokens, aiograpi.session))
        case _:
            assert_never(dialect)


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

"""The publishing upstream of the settings: a configured account's, or the embedded sandbox."""

from __future__ import annotations

from functools import partial

import httpx

from gateway.clock import Clock
from gateway.composition.traces import traced_transport
from gateway.errors import Unusable
from gateway.events import Hook
from gateway.settings import Settings
from gateway.spans import Tracer
from gateway.upstream.platforms.dialects import Dialect, TokensBeside, connect_publisher, pace
from gateway.upstream.platforms.port import Publisher

# The embedded sandbox implements both dialects, each below a path of its own.
SANDBOXED_URL = "http://sandbox/"
SANDBOXED_TOKEN = "sandbox"  # nosec B105 # noqa: S105 (opens the sandbox)


def connected_publisher(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None,
    clock: Clock,
    hook: Hook,
    tracer: Tracer | None,
    tokens_beside: TokensBeside | None = None,
) -> Publisher:
    """Return a client of the upstream. `transport` leads to the embedded sandbox.

    `tokens_beside` returns the tokens of connected accounts together with the configured one.
    """
    policy = pace(settings.platform_timeout)
    dialect = Dialect(settings.platform_dialect)
    connect = partial(
        connect_publisher,
        dialect=dialect,
        clock=clock,
        hook=hook,
        policy=policy,
        rate=settings.platform_rate,
        tokens_beside=tokens_beside,
    )
    if settings.platform_url is None:
        embedded = traced_transport(tracer, transport, policy, None)
        return connect(base_url=SANDBOXED_URL + dialect.value, token=SANDBOXED_TOKEN, transport=embedded)
    if settings.platform_token is None and tokens_beside is None:
        raise Unusable(
            "GATEWAY_PLATFORM_TOKEN is not set, and this GATEWAY_PLATFORM_DIALECT connects no accounts: set the token."
        )
    proxy = settings.proxies.to(settings.platform_url)
    network = traced_transport(tracer, None, policy, proxy)
    return connect(base_url=settings.platform_url, token=settings.platform_token, transport=network, proxy=proxy)

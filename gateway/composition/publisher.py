"""The publishing upstream of the settings: a configured account's, or the embedded sandbox."""

from __future__ import annotations

from functools import partial

import httpx

from gateway.clock import Clock
from gateway.events import Hook
from gateway.settings import Settings
from gateway.upstream.platforms.dialects import Dialect, connect_publisher, pace
from gateway.upstream.platforms.port import Publisher

# The embedded sandbox implements both dialects, each below a path of its own.
SANDBOXED_URL = "http://sandbox/"
SANDBOXED_TOKEN = "sandbox"  # noqa: S105 (opens the sandbox)


def connected_publisher(
    settings: Settings, transport: httpx.AsyncBaseTransport | None, clock: Clock, hook: Hook
) -> Publisher:
    """Return a client of the upstream. `transport` leads to the embedded sandbox."""
    dialect = Dialect(settings.platform_dialect)
    connect = partial(
        connect_publisher,
        dialect=dialect,
        clock=clock,
        hook=hook,
        policy=pace(settings.platform_timeout),
        rate=settings.platform_rate,
    )
    if settings.platform_token is None or settings.platform_url is None:
        return connect(base_url=SANDBOXED_URL + dialect.value, token=SANDBOXED_TOKEN, transport=transport)
    proxy = settings.proxies.to(settings.platform_url)
    return connect(base_url=settings.platform_url, token=settings.platform_token, proxy=proxy)

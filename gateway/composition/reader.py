"""The read API of the settings: the vendor's, or the sandbox in its place."""

from __future__ import annotations

import httpx

from gateway.clock import Clock
from gateway.composition import sandbox
from gateway.composition.traces import traced_transport
from gateway.events import Hook
from gateway.reads.port import SharedRate
from gateway.settings import Settings
from gateway.spans import Tracer
from gateway.upstream.client.client import STANDARD
from gateway.upstream.hikerapi.client import HikerApi, connect


def connected_reader(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None,
    *,
    sharers: int,
    clock: Clock,
    hook: Hook,
    tracer: Tracer | None,
    shared_rate: SharedRate | None = None,
) -> HikerApi:
    """Return a client of the API. `transport` carries its requests, in the place of the network."""
    proxy = settings.proxies.to(settings.hikerapi_url) if transport is None else None
    return connect(
        base_url=settings.hikerapi_url,
        key=settings.hikerapi_key or sandbox.KEY,
        rate=settings.hikerapi_rate,
        sharers=sharers,
        transport=traced_transport(tracer, transport, STANDARD, proxy),
        proxy=proxy,
        clock=clock,
        hook=hook,
        shared_rate=shared_rate,
    )

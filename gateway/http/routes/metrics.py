"""The page of metrics, an app of its own: it is served on an address that clients of the gateway do not reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.hosts import is_loopback
from gateway.http.hosts import HostCheck, Hosts

PATH = "/metrics"

Render: TypeAlias = Callable[[str, str], tuple[Mapping[str, str], bytes]]
"""Returns headers and body of the page for the values of `Accept` and `Accept-Encoding`."""


def metrics_app(render: Render, address: str) -> Starlette:
    """Return the app. Where it listens on a loopback `address`, no page in a browser can have it under another name."""

    async def show(request: Request) -> Response:
        headers, body = render(request.headers.get("accept", ""), request.headers.get("accept-encoding", ""))
        return Response(body, headers={**headers, "cache-control": "no-store"})

    hosts = Hosts.of(address=address) if is_loopback(address) else None
    checks = [] if hosts is None else [Middleware(HostCheck, hosts=hosts)]
    app = Starlette(routes=[Route(PATH, show)], middleware=checks)
    app.router.redirect_slashes = False
    return app

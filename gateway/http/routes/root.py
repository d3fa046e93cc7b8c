"""The routes `/`, which lists the other paths, and `/version`."""

from __future__ import annotations

import platform

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.http.exact_match_cache import PATH as GRAPHQL
from gateway.http.negotiation import negotiate
from gateway.http.routes.health import ALIVE, READY
from gateway.version import NAME, version

VERSION = "/version"
HEADERS = {"cache-control": "no-store", "vary": "Accept", "x-content-type-options": "nosniff"}
PLACES = {"graphql": GRAPHQL, "alive": ALIVE, "ready": READY, "version": VERSION}


def routes() -> list[Route]:
    return [Route("/", _front), Route(VERSION, _version)]


async def _front(request: Request) -> Response:
    """Redirect browsers to the console; list the paths for others. Paths only: the host is chosen by the client."""
    if negotiate(",".join(request.headers.getlist("accept"))).page:
        return RedirectResponse(GRAPHQL, 303, HEADERS)
    return JSONResponse({"name": NAME, **PLACES}, headers=HEADERS)


async def _version(request: Request) -> Response:
    body = {"name": NAME, "version": version(), "python": platform.python_version()}
    return JSONResponse(body, headers=HEADERS)

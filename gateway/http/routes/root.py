"""What is at the address itself, for whoever comes without knowing a path: `/`, and `/version`."""

from __future__ import annotations

import platform
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.http.exact_match_cache import PATH as GRAPHQL
from gateway.http.negotiation import negotiate
from gateway.http.routes.health import ALIVE, READY

NAME = "highlights-gateway"
VERSION = "/version"
HEADERS = {"cache-control": "no-store", "vary": "Accept", "x-content-type-options": "nosniff"}
PLACES = {"graphql": GRAPHQL, "alive": ALIVE, "ready": READY, "version": VERSION}


def routes() -> list[Route]:
    return [Route("/", _front), Route(VERSION, _version)]


async def _front(request: Request) -> Response:
    """A browser is led to the console; others are told what there is. By its path alone: the host is the client's."""
    if negotiate(",".join(request.headers.getlist("accept"))).page:
        return RedirectResponse(GRAPHQL, 303, HEADERS)
    return JSONResponse({"name": NAME, **PLACES}, headers=HEADERS)


async def _version(request: Request) -> Response:
    told = {"name": NAME, "version": version(NAME), "python": platform.python_version()}
    return JSONResponse(told, headers=HEADERS)

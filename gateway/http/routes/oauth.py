"""The route `/oauth/callback`, to which an OAuth server sends the browser after the consent of an account's owner.

The URL contains a code and a state, which are secrets for a moment: the response is stored nowhere, and the browser
tells its URL to no other page.
"""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.domain.shares import Count
from gateway.errors import AccountsUnavailable, InvalidRequest
from gateway.http.request_parsing import network_of_peer, parameters

CALLBACK = "/oauth/callback"
# Each looks a state up in the store, and nobody has to be known for one.
MOST_CALLBACKS = 16
MOST_EACH = 4
PARAMETERS = ("state", "code", "error", "iss")
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
UNKNOWN = "This link was used before, or has expired. Connect the account again."
UNAVAILABLE = "The gateway cannot store the account now. Connect it again later."
BUSY = "Too many accounts are being connected now. Load this page again in a few seconds."
LATER = {"retry-after": "10"}


class ConsentEnd(Protocol):
    async def finish(self, *, state: str, code: str, error: str, issuer: str) -> str | None:
        """End a consent, and return the URL to send the browser to; None for an unknown state."""


def route(connector: ConsentEnd) -> Route:
    """Return the route. Beyond a few callbacks at a time it answers 503, and leaves the state as it is."""
    in_progress = Count(MOST_EACH, MOST_CALLBACKS)

    async def callback(request: Request) -> Response:
        if request.method != "GET":  # a HEAD request, of a program that checks links, must not use the state up
            return Response(status_code=405, headers={"allow": "GET"})
        try:
            given = parameters(request)
        except InvalidRequest as refused:
            return PlainTextResponse(refused.message, 400, HEADERS)
        if any(len(given.getlist(name)) > 1 for name in PARAMETERS):
            return PlainTextResponse(UNKNOWN, 400, HEADERS)
        state, code, error, issuer = (given.get(name, "") for name in PARAMETERS)
        with in_progress.holding(network_of_peer(request)) as may_go_on:
            if not may_go_on:
                return PlainTextResponse(BUSY, 503, HEADERS | LATER)
            try:
                url = await connector.finish(state=state, code=code.removesuffix("#_"), error=error, issuer=issuer)
            except AccountsUnavailable:
                return PlainTextResponse(UNAVAILABLE, 503, HEADERS | LATER)
        return PlainTextResponse(UNKNOWN, 400, HEADERS) if url is None else RedirectResponse(url, 303, HEADERS)

    return Route(CALLBACK, callback, methods=["GET"])

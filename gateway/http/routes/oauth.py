"""The route `/oauth/callback`, to which an OAuth server sends the browser after the consent of an account's owner.

The URL contains a code and a state, which are secrets for a moment: the response is stored nowhere, and the browser
tells its URL to no other page.
"""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.errors import AccountsUnavailable, InvalidRequest
from gateway.http.request_parsing import parameters

CALLBACK = "/oauth/callback"
PARAMETERS = ("state", "code", "error", "iss")
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
UNKNOWN = "This link was used before, or has expired. Connect the account again."
UNAVAILABLE = "The gateway cannot store the account now. Connect it again later."


class ConsentEnd(Protocol):
    async def finish(self, *, state: str, code: str, error: str, issuer: str) -> str | None:
        """End a consent, and return the URL to send the browser to; None for an unknown state."""


def route(connector: ConsentEnd) -> Route:
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
        try:
            url = await connector.finish(state=state, code=code.removesuffix("#_"), error=error, issuer=issuer)
        except AccountsUnavailable:
            return PlainTextResponse(UNAVAILABLE, 503, HEADERS | {"retry-after": "10"})
        return PlainTextResponse(UNKNOWN, 400, HEADERS) if url is None else RedirectResponse(url, 303, HEADERS)

    return Route(CALLBACK, callback, methods=["GET"])

"""Origin checks: CORS and `Sec-Fetch-Site` over HTTP, the header `Origin` over WebSocket."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.errors import CrossSite
from gateway.http.request_options import EXPLAIN, LIMIT, key_in
from gateway.http.request_parsing import CSRF_HEADERS

READ_BY_PAGES = ("etag", "retry-after", "x-billed-requests", "x-billing-remaining", "x-request-id", "traceparent")
TRACED = ("traceparent", "tracestate", "x-request-id")
SENT_BY_PAGES = ("authorization", "content-type", "if-none-match", EXPLAIN, LIMIT, *CSRF_HEADERS, *TRACED)
# Values of `Sec-Fetch-Site` for a page that is not of the gateway's origin. "same-site" is another port of this machine
# or another name below the gateway's domain: the authors of those pages are unknown, so they are not trusted.
FOREIGN = ("cross-site", "same-site")
MAX_AGE = 600  # seconds; browsers cap longer values


def is_own_or_allowed(headers: Headers, allowed: Collection[str]) -> bool:
    """Return whether a WebSocket may be opened. Browsers always send `Origin`; a request without it is not from a page.

    The gateway may run behind a TLS proxy and not know its scheme, so its own origin is recognised by the host alone.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = origin.lower().partition("://")[2]
    return origin.lower() in allowed or (host != "" and host == headers.get("host", "").lower())


def check_page(headers: Headers, allowed: Collection[str]) -> None:
    """Raise CrossSite for a request without a key from a page of another origin: it must not spend anything.

    A request with a key is let through: its page had to pass a CORS preflight to send the header.
    """
    is_foreign = headers.get("sec-fetch-site", "").lower() in FOREIGN
    if is_foreign and key_in(headers) is None and headers.get("origin", "").lower() not in allowed:
        raise CrossSite("Cross-origin request without a key: send a key, or add the origin to GATEWAY_ALLOWED_ORIGINS.")


def cors(allowed: Collection[str]) -> Middleware:
    """Return the CORS middleware for the origins `allowed`. Pages send keys as headers; cookies are not used."""
    return Middleware(
        CORSMiddleware,
        allow_origins=sorted(allowed),
        allow_methods=["GET", "POST"],
        allow_headers=SENT_BY_PAGES,
        expose_headers=READ_BY_PAGES,
        max_age=MAX_AGE,
    )

"""Whose pages may ask: by CORS and what browsers tell of them over HTTP, by the header `Origin` over WebSocket."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.errors import CrossSite
from gateway.http.request_options import EXPLAIN, LIMIT, key_in
from gateway.http.request_parsing import CSRF_HEADERS

READ_BY_PAGES = ("etag", "retry-after", "x-billed-requests", "x-billing-remaining")
SENT_BY_PAGES = ("authorization", "content-type", "if-none-match", EXPLAIN, LIMIT, *CSRF_HEADERS)
# How browsers name the page that had them send a request, if it is not the gateway's own. Another port of this machine
# is the same site, and so is every name below one's own domain: who writes their pages is not known here.
FOREIGN = ("cross-site", "same-site")
MAX_AGE = 600  # seconds; browsers cut longer ones


def is_own_or_allowed(headers: Headers, allowed: Collection[str]) -> bool:
    """Whether a WebSocket may be opened. Browsers say whose page it is; what sends no origin is no page.

    The gateway may stand behind TLS that it does not see, so its own origin is told by the host alone.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = origin.lower().partition("://")[2]
    return origin.lower() in allowed or (host != "" and host == headers.get("host", "").lower())


def check_page(headers: Headers, allowed: Collection[str]) -> None:
    """Raises CrossSite for what a page of another origin had a browser send without a key: it spends for nobody.

    A page that sends a key has been allowed to, by its preflight.
    """
    is_foreign = headers.get("sec-fetch-site", "").lower() in FOREIGN
    if is_foreign and key_in(headers) is None and headers.get("origin", "").lower() not in allowed:
        raise CrossSite(
            "A page of another origin asked for this: it needs a key, or its origin in GATEWAY_ALLOWED_ORIGINS."
        )


def cors(allowed: Collection[str]) -> Middleware:
    """Answers preflights, and lets pages of these origins read answers. They send keys as headers, and no cookies."""
    return Middleware(
        CORSMiddleware,
        allow_origins=sorted(allowed),
        allow_methods=["GET", "POST"],
        allow_headers=SENT_BY_PAGES,
        expose_headers=READ_BY_PAGES,
        max_age=MAX_AGE,
    )

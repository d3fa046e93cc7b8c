"""Whose pages may ask: by CORS over HTTP, and by the header `Origin` over WebSocket."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.http.requests import PROOFS
from gateway.http.terms import EXPLAIN, LIMIT

READ_BY_PAGES = ("etag", "retry-after", "x-billed-requests", "x-billing-remaining")
SENT_BY_PAGES = ("authorization", "content-type", "if-none-match", EXPLAIN, LIMIT, *PROOFS)
REMEMBERED = 600  # seconds; browsers cut longer ones


def is_own_or_allowed(headers: Headers, allowed: Collection[str]) -> bool:
    """Whether a WebSocket may be opened. Browsers say whose page it is; what sends no origin is no page.

    The gateway may stand behind TLS that it does not see, so its own origin is told by the host alone.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = origin.lower().partition("://")[2]
    return origin.lower() in allowed or (host != "" and host == headers.get("host", "").lower())


def cors(allowed: Collection[str]) -> Middleware:
    """Answers preflights, and lets pages of these origins read answers. They send keys as headers, and no cookies."""
    return Middleware(
        CORSMiddleware,
        allow_origins=sorted(allowed),
        allow_methods=["GET", "POST"],
        allow_headers=SENT_BY_PAGES,
        expose_headers=READ_BY_PAGES,
        max_age=REMEMBERED,
    )

"""The platform's callbacks about a person's data, and the page that tells the person how far a request is.

Both callbacks are posted as a form with `signed_request`. The deletion callback answers `{"url", "confirmation_code"}`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.clock import Clock
from gateway.domain.shares import Count
from gateway.erasure.requests import DataRequest, RequestKind, RequestsUnavailable
from gateway.erasure.signed_request import LONGEST, NotSigned, verified
from gateway.errors import BodyTooLarge, InvalidRequest, TooManyBodies
from gateway.http.request_parsing import network_of_peer
from gateway.http.unknown_senders import UnknownSenders

DEAUTHORIZE = "/webhooks/deauthorize"
DELETE = "/webhooks/deletion"
PAGE = "/deletion"
MOST_LOOKUPS = 16
MOST_EACH = 4
CODE = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bits
LATER = {"retry-after": "10"}
STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}


class SignedRequest(NamedTuple):
    """A request that the platform has signed at `issued_at`, in Unix seconds. `user_id` is its own.

    `digest` tells repetitions.
    """

    kind: RequestKind
    user_id: str
    digest: bytes
    issued_at: float


class DataRequestRoutes:
    """The routes. `add` records a request, and `find` returns one by its code; both raise RequestsUnavailable."""

    def __init__(
        self,
        secret: str | None,
        page_url: str,
        add: Callable[[SignedRequest], Awaitable[DataRequest]],
        find: Callable[[str], Awaitable[DataRequest | None]],
        *,
        clock: Clock,
    ) -> None:
        """`secret` is that of the app; without one there are no callbacks. `page_url` begins the URLs of the page."""
        self._secret = None if secret is None else secret.encode()
        self._page_url = page_url
        self._add = add
        self._find = find
        self._clock = clock
        self._senders = UnknownSenders()
        self._lookups = Count(MOST_EACH, MOST_LOOKUPS)

    def routes(self) -> list[Route]:
        page = Route(f"{PAGE}/{{code}}", self._show)
        if self._secret is None:
            return [page]
        return [
            Route(DEAUTHORIZE, self._deauthorize, methods=["POST"]),
            Route(DELETE, self._delete, methods=["POST"]),
            page,
        ]

    def page_of(self, code: str) -> str:
        """Return the URL of the page of a request."""
        return f"{self._page_url}{PAGE}/{code}"

    async def _deauthorize(self, request: Request) -> Response:
        found = await self._received(request, RequestKind.DEAUTHORIZATION)
        return found if isinstance(found, Response) else Response(status_code=200)

    async def _delete(self, request: Request) -> Response:
        found = await self._received(request, RequestKind.ERASURE)
        if isinstance(found, Response):
            return found
        return JSONResponse({"url": self.page_of(found.code), "confirmation_code": found.code})

    async def _received(self, request: Request, kind: RequestKind) -> DataRequest | Response:
        """Return the request once it is recorded, or the refusal."""
        try:
            body = await self._body(request)
            (text,) = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=8).get("signed_request", [""])
            assert self._secret is not None
            signed = verified(text, self._secret, self._clock.now())
            digest = hashlib.sha256(f"{kind.value}:{signed.encoded}".encode()).digest()
            return await self._add(SignedRequest(kind, signed.user_id, digest, signed.issued_at))
        except (NotSigned, ValueError):
            return PlainTextResponse("Forbidden", status_code=403)
        except (TooManyBodies, RequestsUnavailable) as error:
            return PlainTextResponse(str(error), status_code=503, headers=LATER)
        except BodyTooLarge as error:
            return PlainTextResponse(error.message, status_code=413)
        except (InvalidRequest, ClientDisconnect):
            return PlainTextResponse("Bad Request", status_code=400)

    async def _body(self, request: Request) -> bytes:
        body = await self._senders.body_of(request)
        if len(body) > 2 * LONGEST:
            raise BodyTooLarge(f"The body is larger than {2 * LONGEST} bytes.")
        return body

    async def _show(self, request: Request) -> Response:
        code = request.path_params["code"]
        with self._lookups.holding(network_of_peer(request)) as may_look_up:
            try:
                if not may_look_up:
                    raise RequestsUnavailable("Too many at once")
                found = await self._find(code) if CODE.fullmatch(code) else None
            except RequestsUnavailable:
                return _page(503, "Not available now", ["Please try again in a few minutes."], LATER)
        if found is None:
            lines = [
                "There is no request with this code.",
                "Check that the address is complete. A request can be looked up for 90 days after it was done.",
            ]
            return _page(404, "Unknown request", lines)
        return _page(200, *_described(found))


def _described(request: DataRequest) -> tuple[str, list[str]]:
    """Return title and text about a request, in the words of somebody who knows nothing of gateways."""
    received = f"We received your request on {_date(request.requested_at)}."
    if request.kind is RequestKind.DEAUTHORIZATION:
        done = "This service no longer acts for your account."
        pending = "We are ending what this service does for your account."
        return "Your account", [received, pending if request.finished_at is None else done]
    if request.finished_at is None:
        return "Your data is being deleted", [
            received,
            "Deleting has begun, and continues by itself: you need not do anything." if request.steps
            else "Deleting begins within a few minutes: you need not do anything.",
            "This page says when it is done.",
        ]  # fmt: skip
    return "Your data was deleted", [
        received,
        f"On {_date(request.finished_at)} we deleted what this service stored about you.",
        "Backups that were made before are overwritten within the time that the operator of this service has set.",
    ]


def _page(status: int, title: str, lines: list[str], more: Mapping[str, str] | None = None) -> HTMLResponse:
    """Return the page. `more` are headers beside those of all pages."""
    text = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    content = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{text}</main></body></html>"
    )
    return HTMLResponse(content, status, {**HEADERS, **(more or {})})


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y at %H:%M} UTC"

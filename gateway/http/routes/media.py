"""The route `/media/TOKEN`: a media proxy, for pages on which the platform's CDN does not allow its media."""

from __future__ import annotations

from contextlib import aclosing

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.errors import TooManyStreams, UpstreamError, UpstreamTimeout
from gateway.http.disconnect import cancel_on_disconnect, without_body
from gateway.http.request_parsing import network_of_peer
from gateway.media_proxy.proxy import MediaProxy, Medium, identity
from gateway.media_proxy.ranges import ByteRange
from gateway.media_proxy.signed_urls import MediaClaims, TokenExpired, TokenInvalid, UrlSigner
from gateway.tracebacks import forget_frames
from gateway.upstream.egress.cdn_client import OutOfRange, UrlExpired

METHODS = "GET, HEAD, OPTIONS"
# Any page may embed a response; nothing in it is executed, and browsers must not guess its type.
ALWAYS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "accept-ranges, content-length, content-range, etag",
    "cross-origin-resource-policy": "cross-origin",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
NEVER = {"cache-control": "no-store"}
SOON = {"retry-after": "1"}
LONGEST_LIFE = 31_536_000  # seconds, the maximum that RFC 9111 caches usually accept


def route(tokens: UrlSigner, proxy: MediaProxy, clock: Clock) -> Route:
    return Route("/media/{token}", MediaEndpoint(tokens, proxy, clock))


class MediaEndpoint:
    """The endpoint of the media proxy. It needs no key: a signed token grants access to one URL until it expires."""

    def __init__(self, tokens: UrlSigner, proxy: MediaProxy, clock: Clock) -> None:
        self.tokens = tokens
        self.proxy = proxy
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "HEAD":
            send = without_body(send)
        answer = self._at_once(request)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await cancel_on_disconnect(receive, self._send(answer, request, send))

    def _at_once(self, request: Request) -> Response | MediaClaims:
        """Return a response that does not need the media, or the claim of the token."""
        if request.method == "OPTIONS":
            cors = {"access-control-allow-methods": METHODS, "access-control-allow-headers": "range, if-none-match"}
            return Response(status_code=204, headers={**ALWAYS, **cors, "allow": METHODS})
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "Use GET or HEAD.", {"allow": METHODS})
        try:
            claim = self.tokens.open(request.path_params["token"], self.clock.now())
        except TokenInvalid:
            return _refusal(404, "The link is invalid: this gateway did not sign it.")
        except TokenExpired:
            return _refusal(410, "The link has expired: query the URL again.")
        if _is_known(request.headers, _etag(claim)):
            return Response(status_code=304, headers=self._headers(claim))
        return claim

    async def _send(self, claim: MediaClaims, request: Request, send: Send) -> None:
        started = False
        try:
            part = _part(request.headers, _etag(claim))
            peer = network_of_peer(request)
            async with self.proxy.opened(claim, peer=peer, method=request.method, part=part) as medium:
                started = True
                await _stream(medium, self._headers(claim), send, with_body=request.method == "GET")
        except (UrlExpired, OutOfRange, UpstreamError, TooManyStreams, TimeoutError) as problem:
            forget_frames(problem)
            # Once headers are sent the status cannot change: the connection is closed before the end of the body.
            if not started:
                await _answer_to(problem)(request.scope, request.receive, send)

    def _headers(self, claim: MediaClaims) -> dict[str, str]:
        life = max(0, min(int(claim.expires - self.clock.now()), LONGEST_LIFE))
        return {**ALWAYS, "etag": _etag(claim), "cache-control": f"public, max-age={life}, immutable"}


async def _stream(medium: Medium, headers: dict[str, str], send: Send, *, with_body: bool) -> None:
    """Send the media. `send` waits for a slow reader, which also slows down reading from the CDN."""
    headers = {**headers, "content-type": medium.content_type, "accept-ranges": "bytes"}
    if medium.length is not None:
        headers["content-length"] = str(medium.length)
    if medium.part is not None:
        headers["content-range"] = medium.part
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 206 if medium.part else 200, "headers": raw})
    if with_body:
        async with aclosing(medium.chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _answer_to(problem: Exception) -> Response:
    match problem:
        case UrlExpired():
            return _refusal(410, "The platform no longer provides this file: query the URL again.")
        case OutOfRange(length=length):
            range_headers = {} if length is None else {"content-range": f"bytes */{length}"}
            return _refusal(416, "The requested range is not satisfiable.", range_headers)
        case TooManyStreams():
            return _refusal(503, problem.message, SOON)
        case UpstreamTimeout() | TimeoutError():
            return _refusal(504, "The media server timed out.", SOON)
        case _:
            return _refusal(502, "The media server returned an error.", SOON)


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, {**ALWAYS, **NEVER, **(headers or {})})


def _etag(claim: MediaClaims) -> str:
    """Return the ETag, made of the URL: the content under one path never changes."""
    return f'"{identity(claim.url)}"'


def _is_known(headers: Headers, etag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known


def _part(headers: Headers, etag: str) -> ByteRange | None:
    """Return the requested range; None if `If-Range` names another version of the media."""
    if headers.get("if-range", etag) != etag:
        return None
    return ByteRange.of(headers.get("range"))

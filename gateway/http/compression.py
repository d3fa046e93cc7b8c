"""Compression of single responses: br, gzip or zstd, by the client's weights (RFC 9110, section 12.5.3)."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from gateway.http.disconnect import InPieces
from gateway.http.negotiation import EVENTS, GRAPHQL, MULTIPART
from gateway.http.preferences import preferences

add_compress_type(GRAPHQL)
# Parts and events are too small to gain from compression, and must not be buffered together.
for streamed in (EVENTS, MULTIPART):
    remove_compress_type(streamed)

# Of equal weights the first is taken. Clients on Node 20 list a zstd that they cannot decode.
CODINGS = ("br", "gzip", "zstd")
IDENTITY = "identity"
ALIASES = {"x-gzip": "gzip"}
HEADER = b"accept-encoding"
# Characters of all `Accept-Encoding` together: browsers send thirty.
LONGEST_ACCEPTED = 300


def coding(accepted: str, offered: tuple[str, ...] = CODINGS) -> str:
    """Return the coding of `offered` with the highest weight; of equal weights the first.

    The weight of `*` applies to each coding that is not listed. Returns `identity` if no coding is accepted, or if
    `identity` weighs more.
    """
    if len(accepted) > LONGEST_ACCEPTED:
        return IDENTITY
    weights = {ALIASES.get(one.name, one.name): one.weight for one in preferences(accepted)}
    others = weights.get("*", 0.0)
    best = max(offered, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


class Compression(CompressMiddleware):
    """Compression middleware with the gateway's own choice of coding.

    The library has its own order of preference, so it sees only the coding chosen here. A long response is compressed
    piece by piece; other tasks run between two pieces.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(InPieces(app, in_turns=True), minimum_size=1_000, zstd_level=3, brotli_quality=4, gzip_level=4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            accepted = b",".join(value for name, value in scope["headers"] if name == HEADER)
            others = [header for header in scope["headers"] if header[0] != HEADER]
            scope = {**scope, "headers": [*others, (HEADER, coding(accepted.decode("latin-1")).encode())]}
        await super().__call__(scope, receive, send)


COMPRESSION = Middleware(Compression)

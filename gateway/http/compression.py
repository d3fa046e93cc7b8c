"""How single answers are compressed: br, gzip or zstd, as the client weighs them (RFC 9110, section 12.5.3)."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from gateway.http.disconnect import InPieces
from gateway.http.negotiation import EVENTS, GRAPHQL, MULTIPART
from gateway.http.preferences import preferences

add_compress_type(GRAPHQL)
# Parts and events are too small to gain by it, and must not wait for each other.
for streamed in (EVENTS, MULTIPART):
    remove_compress_type(streamed)

# Of equals the first is taken. Clients on Node 20 list a zstd that they cannot decode.
CODINGS = ("br", "gzip", "zstd")
IDENTITY = "identity"
ALIASES = {"x-gzip": "gzip"}
HEADER = b"accept-encoding"
# Characters of all `Accept-Encoding` together: browsers send thirty.
LONGEST_ACCEPTED = 300


def coding(accepted: str, offered: tuple[str, ...] = CODINGS) -> str:
    """The one of `offered` that the client weighs most, of equals the first. The weight of `*` is that of each coding
    that is not listed. `identity` where none is accepted, or where it weighs more.
    """
    if len(accepted) > LONGEST_ACCEPTED:
        return IDENTITY
    weights = {ALIASES.get(one.name, one.name): one.weight for one in preferences(accepted)}
    others = weights.get("*", 0.0)
    best = max(offered, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


class Compression(CompressMiddleware):
    """Tells the library, which has an order of its own, of no other coding than the one that is chosen.

    A long answer is compressed piece by piece, and others have their turn between two.
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

"""How single answers are compressed: zstd, br or gzip, whichever of these comes first that the client accepts."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from gateway.http.negotiation import EVENTS, GRAPHQL, MULTIPART

add_compress_type(GRAPHQL)
# Parts and events are too small to gain by it, and must not wait for each other.
for streamed in (EVENTS, MULTIPART):
    remove_compress_type(streamed)

# Characters of all `Accept-Encoding` together: browsers send thirty. The middleware remembers what it has read of the
# last 128 of them, however long they are.
LONGEST_ACCEPTED = 300


class Compression(CompressMiddleware):
    """Does not compress for a client that lists more codings than anybody needs."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=1_000, zstd_level=3, brotli_quality=4, gzip_level=4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            accepted = sum(len(value) for name, value in scope["headers"] if name == b"accept-encoding")
            if accepted > LONGEST_ACCEPTED:
                headers = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
                scope = {**scope, "headers": headers}
        await super().__call__(scope, receive, send)


COMPRESSION = Middleware(Compression)

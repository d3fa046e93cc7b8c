"""Links to the media proxy, for URLs that an upstream answer contained."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.clock import Clock
from gateway.media_proxy.signed_urls import LONGEST_URL, Claim, UrlSigner

PATH = "/media/"
DAY = 86_400
# The expiry that is signed into the URL: hex Unix seconds.
EXPIRY = re.compile(r"[?&]oe=([0-9A-Fa-f]{1,10})(?:&|$)")


class Links:
    """`base_url` is where the gateway can be reached; `serves` says which URLs the proxy can fetch."""

    def __init__(self, tokens: UrlSigner, base_url: str, *, serves: Callable[[str], bool], clock: Clock) -> None:
        self._tokens = tokens
        self._prefix = base_url.rstrip("/") + PATH
        self._serves = serves
        self._clock = clock

    def link(self, url: str, reference: str) -> str:
        """The URL by way of the proxy; as it is, if the proxy does not fetch from there.

        The same for the same URL, as long as its expiry is signed into it: so answers that hold it can be compared.
        """
        if len(url) > LONGEST_URL or not self._serves(url):
            return url
        signed = EXPIRY.search(url)
        expires = int(signed[1], 16) if signed else int(self._clock.now()) + DAY
        return self._prefix + self._tokens.seal(Claim(url, reference, expires))

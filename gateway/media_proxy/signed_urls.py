"""Signed tokens that name a medium in a proxy URL. Only the gateway can create one; it expires with the medium's URL.

    base64url( version | expiry | length of the reference | reference | URL, deflated | tag )

Version and length take a byte each, the expiry five, in Unix seconds. The tag is the first 16 bytes of HMAC-SHA256 over
all preceding bytes. A token is not confidential: it contains only a URL that its reader could have received directly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from dataclasses import dataclass

VERSION = b"\x01"
TAG = 16  # bytes
HEAD = 7  # bytes: version, expiry, length of the reference
LONGEST_URL = 4_096
LONGEST_TOKEN = 6_000
LONGEST_REFERENCE = 64  # bytes
LATEST = 2**40 - 1
# Enough for a URL and the dictionary; setting up larger tables takes ten times as long as the compression.
WINDOW, MEMORY = 11, 4
PURPOSE = b"highlights-gateway media tokens 1"
# The compression dictionary: the parts of most URLs, which a compressed URL contains only as references.
WORDS = (
    b"https://instagram.fna.fbcdn.net/v/t2/f2/m367/AQ.mp4?efg=eyJ2ZW5jb2RlX3RhZyI6&_nc_gid=&_nc_zt=28&vs=&_nc_vs="
    b"https://scontent.cdninstagram.com/o1/v/t16/f2/m78/.mp4?_nc_cat=&_nc_oc=&_nc_sid=&_nc_ht=scontent.cdninstagram.com"
    b"https://scontent-fra3-1.cdninstagram.com/v/t51.71878-15/v/t51.2885-19/v/t51.12442-15/_n.jpg"
    b"?stp=dst-jpg_e15_tt6&_nc_cat=1&ccb=7-5&_nc_sid=&efg=&_nc_ohc=&_nc_oc=&_nc_zt=23&_nc_ht=&_nc_gid=&edm=&oh=00_Af&oe=6"
)


class TokenInvalid(Exception):
    """The token was not created by this gateway, or was altered."""


class TokenExpired(Exception):
    """The token was valid and has expired."""


@dataclass(frozen=True, slots=True)
class MediaClaims:
    """The content of a token: a URL, a reference to its upstream response, and its expiry in Unix seconds."""

    url: str
    reference: str
    expires: int


class UrlSigner:
    """A signer and verifier of tokens. The gateway's secret cannot be derived from them."""

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(hmac.digest(secret, PURPOSE, "sha256"), digestmod=hashlib.sha256)

    def sign(self, claim: MediaClaims) -> str:
        """Return the token for `claim`. Raises ValueError if it is too long."""
        reference, url = claim.reference.encode(), claim.url.encode()
        if len(reference) > LONGEST_REFERENCE or len(url) > LONGEST_URL:
            raise ValueError("a URL or a reference is too long for a token")
        deflating = zlib.compressobj(1, zlib.DEFLATED, -WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, WORDS)
        expires = max(0, min(claim.expires, LATEST)).to_bytes(5)
        signed = VERSION + expires + bytes([len(reference)]) + reference + deflating.compress(url) + deflating.flush()
        return _text(signed + self._tag(signed))

    def open(self, token: str, now: float) -> MediaClaims:
        """Return the claim of `token`. Raises TokenInvalid and TokenExpired. `now` is in Unix seconds."""
        signed = self._genuine(token)
        expires, end = int.from_bytes(signed[1:6]), HEAD + signed[6]
        if expires <= now:
            raise TokenExpired
        inflating = zlib.decompressobj(-WINDOW, WORDS)
        return MediaClaims(inflating.decompress(signed[end:]).decode(), signed[HEAD:end].decode(), expires)

    def _genuine(self, token: str) -> bytes:
        """Return the signed bytes of `token`. Raises TokenInvalid. The tag is verified before any content is used."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as exc:
            raise TokenInvalid from exc
        signed, tag = data[:-TAG], data[-TAG:]
        if _text(data) != token:  # only the canonical encoding is accepted
            raise TokenInvalid
        if len(signed) < HEAD or signed[:1] != VERSION or not hmac.compare_digest(tag, self._tag(signed)):
            raise TokenInvalid
        return signed

    def _tag(self, signed: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(signed)
        return mac.digest()[:TAG]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

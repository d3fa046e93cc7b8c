"""The parameter `signed_request` of the platform's callbacks about a person's data.

Contract: `<base64url(signature)>.<base64url(payload)>`, the signature an HMAC-SHA256 of the encoded payload with the
app secret, the payload `{"algorithm": "HMAC-SHA256", "issued_at", "expires", "user_id"}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

import msgspec

# The platform's clock may be ahead. Its requests come at once; ours is the choice how late they may.
FRESH_SECONDS = 3_600.0
SKEW_SECONDS = 300.0
LONGEST = 4_096  # characters
LONGEST_ID = 60
ALGORITHM = "HMAC-SHA256"


class NotSigned(Exception):
    """The request is not one that the platform has signed lately. The reason is not for its sender."""


class Payload(msgspec.Struct, frozen=True):
    algorithm: str
    user_id: str | int
    issued_at: float
    expires: float | None = None


class Verified(NamedTuple):
    """The signed content of a request: the platform's id of the user, and the time in Unix seconds.

    `encoded` is the payload as it was signed. The text of a signature is not unique, in base64.
    """

    user_id: str
    issued_at: float
    encoded: str


def verified(signed_request: str, secret: bytes, now: float) -> Verified:
    """Return what was signed. `now` is in Unix seconds. Raise NotSigned."""
    signature, dot, encoded = signed_request.partition(".")
    if not dot or len(signed_request) > LONGEST:
        raise NotSigned
    expected = hmac.new(secret, encoded.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(_decoded(signature), expected):
        raise NotSigned
    try:
        payload = msgspec.json.decode(_decoded(encoded), type=Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotSigned from exc
    user = str(payload.user_id)
    is_fresh = -SKEW_SECONDS <= now - payload.issued_at <= FRESH_SECONDS
    # The platform sends 0 where nothing expires.
    is_valid = not payload.expires or payload.expires > now
    if payload.algorithm.upper() != ALGORITHM or not (is_fresh and is_valid and user.isdigit() and user.isascii()):
        raise NotSigned
    if len(user) > LONGEST_ID:
        raise NotSigned
    return Verified(user, payload.issued_at, encoded)


def _decoded(text: str) -> bytes:
    """Raise NotSigned. The padding is left out by the platform."""
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NotSigned from exc

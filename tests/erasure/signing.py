"""Signed requests as the platform makes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import msgspec

from tests.fakes.clock import EPOCH

SECRET = b"app-s3cret"
USER = "787132"


def payload(**changed: Any) -> dict[str, Any]:
    return {"algorithm": "HMAC-SHA256", "issued_at": EPOCH, "user_id": USER} | changed


def signed(content: Any, secret: bytes = SECRET) -> str:
    text = encoded(msgspec.json.encode(content))
    return encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest()) + "." + text


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

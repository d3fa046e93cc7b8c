"""Clients of httpx that cost little to make: tests make thousands, many for one request each."""

from __future__ import annotations

import sys
from functools import cache

import httpx
from httpx._transports import default


def hasten() -> None:
    """Keep what httpx looks for and reads anew each time."""
    # It is asked for at each request of an app, and to look for what is not installed takes 50 microseconds.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
    # Each client reads the certificates of all authorities, in 20 milliseconds. What a caller makes itself stays apart.
    default.create_ssl_context = cache(httpx.create_ssl_context)  # type: ignore[attr-defined]

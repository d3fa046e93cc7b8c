"""The freshness of an entry: a TTL per kind, capped by the earliest expiry signed into the entry's URLs."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import assert_never

# In JSON text an ampersand or a question mark may be literal or escaped. The regex engine searches for the literal that
# the pattern begins with: with the alternatives in front, matching takes seventy times as long.
EXPIRY = re.compile(
    rb"oe=(?:(?<=[?&]oe=)|(?<=\\u0026oe=)|(?<=\\u003[fF]oe=)|(?<=&amp;oe=))([0-9A-Fa-f]{1,12})(?![0-9A-Za-z])"
)
# Signed URLs per answer. The largest highlight has some thousand of them; scanning a million takes a second.
MOST_SIGNED = 20_000


class Kind(enum.Enum):
    TRAY = "tray"
    HIGHLIGHT = "highlight"
    PROFILE = "profile"
    USERNAME = "username"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Times to live, all in seconds.

    `stale` is how long past its freshness an entry may still be served when the upstream fails. `margin` is how long
    before a URL expires its entry expires, so that a client that received the URL has time to load it.
    """

    tray: float = 600
    highlight: float = 3_600
    profile: float = 3_600
    username: float = 86_400
    missing: float = 120
    stale: float = 3_600
    margin: float = 300

    def of(self, kind: Kind) -> float:
        match kind:
            case Kind.TRAY:
                return self.tray
            case Kind.HIGHLIGHT:
                return self.highlight
            case Kind.PROFILE:
                return self.profile
            case Kind.USERNAME:
                return self.username
            case Kind.MISSING:
                return self.missing
            case _:
                assert_never(kind)


@dataclass(frozen=True, slots=True)
class Span:
    """The Unix seconds until which an entry is fresh, and until which it may be served at all."""

    fresh_until: float
    serve_until: float


def span(kind: Kind, body: bytes, *, now: float, lifetimes: Lifetimes) -> Span:
    """Return the span of an entry with this `body`.

    Entries that say "not found" or "private" are never served stale: a failing upstream says nothing about them.
    """
    fresh = now + lifetimes.of(kind)
    serve = fresh if kind is Kind.MISSING else fresh + lifetimes.stale
    expires_at = first_expiry(body)
    if expires_at is None:
        return Span(fresh, serve)
    cap = expires_at - lifetimes.margin
    return Span(min(fresh, cap), min(serve, cap))


def first_expiry(body: bytes) -> float | None:
    """Return the earliest `oe` (hex Unix seconds) of all signed URLs in `body`, or 0 for more than MOST_SIGNED URLs."""
    if body.count(b"oe=") > MOST_SIGNED:
        return 0
    return min((int(digits, 16) for digits in EXPIRY.findall(body)), default=None)

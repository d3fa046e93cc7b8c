"""How long an entry is good: a time to live per kind, capped by the earliest expiry signed into the URLs it holds."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import assert_never

# In JSON text an ampersand or a question mark may stand as it is or escaped. The engine searches for what the pattern
# begins with: with the alternatives in front, it takes seventy times as long.
EXPIRY = re.compile(
    rb"oe=(?:(?<=[?&]oe=)|(?<=\\u0026oe=)|(?<=\\u003[fF]oe=)|(?<=&amp;oe=))([0-9A-Fa-f]{1,12})(?![0-9A-Za-z])"
)
# URLs of an answer. The largest highlight has some thousand of them; to look at a million takes a second.
MOST_SIGNED = 20_000


class Kind(enum.Enum):
    TRAY = "tray"
    HIGHLIGHT = "highlight"
    PROFILE = "profile"
    USERNAME = "username"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """All in seconds. `stale` is how long past its freshness an entry may still be served when the upstream fails;
    `margin` is how long before a URL dies its entry is given up, so that whoever was handed it has time to load it."""

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
    """Unix seconds: fresh until, and never to be served at all from."""

    fresh_until: float
    serve_until: float


def span(kind: Kind, body: bytes, *, now: float, lifetimes: Lifetimes) -> Span:
    """Not found and private are never served stale: an upstream in trouble says nothing about them."""
    fresh = now + lifetimes.of(kind)
    serve = fresh if kind is Kind.MISSING else fresh + lifetimes.stale
    dies = first_expiry(body)
    if dies is None:
        return Span(fresh, serve)
    cap = dies - lifetimes.margin
    return Span(min(fresh, cap), min(serve, cap))


def first_expiry(body: bytes) -> float | None:
    """The earliest `oe` (hex Unix seconds) of all signed URLs in `body`; 0 for more of them than are looked at."""
    if body.count(b"oe=") > MOST_SIGNED:
        return 0
    return min((int(digits, 16) for digits in EXPIRY.findall(body)), default=None)

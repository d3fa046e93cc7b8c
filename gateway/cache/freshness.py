"""The freshness of an entry: a TTL per kind, capped by the earliest expiry signed into the entry's URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat

from gateway.reads.facts import Lifetime

# The value of a field whose name ends in `url`: texts that people write (captions, comments, names) may hold URLs, too,
# and whoever writes one must not decide how long an answer is fresh. Quotes in a text are escaped, so no text looks
# like such a field. In JSON text an ampersand or a question mark may be literal or escaped: what stands before `oe=` is
# looked at behind it, because the engine goes back through a URL quickly to a letter, and slowly to alternatives.
EXPIRY = re.compile(
    rb'url(?:_hd)?"\s*:\s*"[^"]*oe=(?:(?<=[?&]oe=)|(?<=\\u0026oe=)|(?<=\\u003[fF]oe=)|(?<=&amp;oe=))'
    rb"([0-9A-Fa-f]{1,12})(?![0-9A-Za-z])"
)
# Signed URLs per answer. The largest highlight has some thousand of them; scanning a million takes a second.
MOST_SIGNED = 20_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Times to live, all in seconds.

    `stale` is how long past its freshness an entry may still be served when the upstream fails. `margin` is how long
    before a URL expires its entry expires, so that a client that received the URL has time to load it.
    """

    ttls: Mapping[Lifetime, float]
    stale: float
    margin: float


@dataclass(frozen=True, slots=True)
class Span:
    """The Unix seconds until which an entry is fresh, and until which it may be served at all."""

    fresh_until: float
    serve_until: float


def span(lifetime: Lifetime, body: bytes, *, now: float, lifetimes: Lifetimes, ends_at: float | None = None) -> Span:
    """Return the span of an entry with this `body`, which ceases to be true at `ends_at`.

    Entries that say "not found" or "private" are never served stale: a failing upstream says nothing about them.
    """
    fresh = now + lifetimes.ttls[lifetime]
    serve = fresh if lifetime is Lifetime.MISSING else fresh + lifetimes.stale
    caps = [] if ends_at is None else [ends_at]
    if (expires_at := first_expiry(body)) is not None:
        caps.append(expires_at - lifetimes.margin)
    return Span(min(fresh, *caps), min(serve, *caps)) if caps else Span(fresh, serve)


def first_expiry(body: bytes) -> float | None:
    """Return the earliest `oe` (hex Unix seconds) of all signed URLs in `body`, or 0 for more than MOST_SIGNED URLs."""
    if body.count(b"oe=") > MOST_SIGNED:
        return 0
    return min(map(int, EXPIRY.findall(body), repeat(16)), default=None)

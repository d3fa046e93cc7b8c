"""The times of a token: when it expires, and when it is refreshed."""

from __future__ import annotations

import random

# The platform refreshes no token that is younger.
YOUNGEST_SECONDS = 86_400.0
HALF, JITTER = 0.5, 0.1


def expiry(now: float, expires_in: float | None) -> float | None:
    """Return when a token expires, in Unix seconds; None if the platform does not say."""
    return None if expires_in is None else now + expires_in


def refresh_time(now: float, expires_at: float | None, rng: random.Random) -> float | None:
    """Return when to refresh a token that was issued now: at half of its life, and when it is a day old at least.

    Jitter keeps accounts apart that were connected together. Return None for a token that does not expire.
    """
    if expires_at is None:
        return None
    share = HALF + rng.uniform(-JITTER, JITTER)
    return now + max((expires_at - now) * share, YOUNGEST_SECONDS)

"""The lifetimes of cached facts, by the settings."""

from __future__ import annotations

from gateway.cache.freshness import Lifetimes
from gateway.reads.facts import Lifetime
from gateway.settings import Settings


def lifetimes_of(settings: Settings) -> Lifetimes:
    ttls = {lifetime: getattr(settings, f"ttl_{lifetime.value}") for lifetime in Lifetime}
    return Lifetimes(ttls, stale=settings.stale_limit, margin=settings.url_margin)

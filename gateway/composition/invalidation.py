"""Invalidation of cached entries after a write, the gateway's own or one that a webhook reports."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cache.entity_cache import EntityCache
from gateway.domain.ids import HighlightId, UserId
from gateway.publishing.context import EntityChanged
from gateway.publishing.write import CachedEntry


class Invalidation:
    """Invalidation in one cache. `usernames` are those of the accounts, by id."""

    def __init__(self, cache: EntityCache, usernames: Mapping[str, str]) -> None:
        self._cache = cache
        self._usernames = usernames

    def on_change(self, change: EntityChanged) -> None:
        """Invalidate what a write of the gateway may have made stale."""
        if change.entries:
            is_entity_stale = change.entity is not None and CachedEntry.ENTITY in change.entries
            self.invalidate(change.account, change.entity.id if change.entity and is_entity_stale else None)

    def invalidate(self, account: str, pk: str | None) -> None:
        """Invalidate the tray of an account and, if it is named, a highlight of it."""
        highlight = None if pk is None else HighlightId(pk)
        self._cache.forget(UserId(account), self._usernames.get(account, ""), highlight)

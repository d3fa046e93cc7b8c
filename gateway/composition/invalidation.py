"""Invalidation of cached entries after a write, the gateway's own or one that a webhook reports."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cache.entity_cache import EntityCache
from gateway.domain.ids import EntityId, HighlightId, UserId, pk_of
from gateway.publishing.context import EntityChanged
from gateway.publishing.write import CachedEntry
from gateway.reads.facts import ENTITY_TYPES


class Invalidation:
    """Invalidation in one cache. `usernames` are those of the accounts, by id."""

    def __init__(self, cache: EntityCache, usernames: Mapping[str, str]) -> None:
        self._cache = cache
        self._usernames = usernames

    def on_change(self, change: EntityChanged) -> None:
        """Invalidate what a write of the gateway may have made stale."""
        entity = None
        if change.entity is not None and CachedEntry.ENTITY in change.entries:
            entity = ENTITY_TYPES[change.entity.type].id(pk_of(change.entity.id))
        if CachedEntry.ACCOUNT_LISTS in change.entries:
            self._forget(change.account, entity)
        elif entity is not None:
            self._cache.forget_entity(entity)

    def invalidate(self, account: str, pk: str | None) -> None:
        """Invalidate the tray of an account and, if it is named, a highlight of it."""
        self._forget(account, None if pk is None else HighlightId(pk))

    def _forget(self, account: str, entity: EntityId | None) -> None:
        self._cache.forget(UserId(account), self._usernames.get(account, ""), entity)

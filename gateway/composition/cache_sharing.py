"""The cache that this instance shares with others, if the settings name one, and its effects on this instance."""

from __future__ import annotations

import asyncio

from gateway.cache.entity_cache import EntityCache
from gateway.clock import Clock
from gateway.composition.cached_data import CachedData
from gateway.domain.ids import Subject
from gateway.errors import Unusable
from gateway.events import Hook
from gateway.planner.shared_calls import SharedCalls
from gateway.reads.facts import FactKind
from gateway.settings import Settings
from gateway.shared_cache.call_names import CallNames
from gateway.shared_cache.invalidations import Target
from gateway.shared_cache.records import RecordCodec
from gateway.shared_cache.shared_cache import SharedCache

SANDBOX = "sandbox"


def shared_calls(settings: Settings, memory: EntityCache, clock: Clock, hook: Hook) -> SharedCalls | None:
    """Return the calls to share by the settings, of the read API and account that they name. Raise Unusable."""
    if settings.redis_url is None:
        return None
    # Imported where it is used: other processes do without it.
    from gateway.shared_cache.redis_store import RedisStore

    names = CallNames(settings.hikerapi_url, settings.hikerapi_key or SANDBOX, key=settings.cache_key)
    try:
        store = RedisStore(settings.redis_url, names.prefix, clock=clock)
    except ValueError:
        raise Unusable("GATEWAY_REDIS_URL is no URL of a Redis database: correct it.") from None
    cache = SharedCache(store, names, RecordCodec(settings.cache_key), clock=clock, hook=hook)
    return SharedCalls(cache, memory, clock)


class InstanceData:
    """The data of this instance, as others invalidate it."""

    def __init__(self, memory: EntityCache, data: CachedData) -> None:
        self._memory = memory
        self._data = data
        self._tasks = set[asyncio.Task[object]]()

    def invalidate(self, subjects: list[tuple[FactKind, Subject]]) -> None:
        self._memory.invalidate(subjects)

    def forget(self, target: Target | None) -> None:
        # What is on its way is refused at once, the rest is removed in slices.
        self._memory.ignore_earlier_calls()
        task = asyncio.create_task(self._data.forget(target))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

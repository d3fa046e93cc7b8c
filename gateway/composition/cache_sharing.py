"""The cache that this instance shares with others, if the settings name one, and its effects on this instance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.cache.entity_cache import EntityCache
from gateway.clock import Clock
from gateway.composition.cached_data import CachedData
from gateway.domain.ids import Subject
from gateway.errors import Unusable
from gateway.events import Hook
from gateway.planner.shared_calls import SharedCalls
from gateway.reads.facts import FactKind
from gateway.reads.port import SharedRate
from gateway.settings import Settings
from gateway.shared_cache.call_names import CallNames
from gateway.shared_cache.invalidations import Target
from gateway.shared_cache.records import RecordCodec
from gateway.shared_cache.shared_cache import SharedCache

SANDBOX = "sandbox"


class CacheSharing:
    """The shared cache of the settings, for the read API and account that they name."""

    def __init__(self, settings: Settings, sharers: int, clock: Clock, hook: Hook) -> None:
        """Create it for one of `sharers` processes on this machine; nothing is connected yet. Raise Unusable."""
        self._clock = clock
        self._cache: SharedCache | None = None
        self.rate: SharedRate | None = None
        """The rate of the read API, if processes share it."""
        if settings.redis_url is None:
            return
        # Imported where it is used: other processes do without it.
        from gateway.shared_cache.redis_store import RedisStore

        names = CallNames(settings.hikerapi_url, settings.hikerapi_key or SANDBOX, key=settings.cache_key)
        try:
            store = RedisStore(settings.redis_url, names.prefix, clock=clock, processes=sharers)
        except ValueError:
            raise Unusable("GATEWAY_REDIS_URL is no URL of a Redis database: correct it.") from None
        self.rate = store
        self._cache = SharedCache(store, names, RecordCodec(settings.cache_key), clock=clock, hook=hook)

    def calls(self, memory: EntityCache) -> SharedCalls | None:
        """Return the calls that processes share, whose answers are stored in `memory`."""
        return None if self._cache is None else SharedCalls(self._cache, memory, self._clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with contextlib.nullcontext() if self._cache is None else self._cache.running():
            yield


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

"""The cache that this instance shares with others, if the settings name one, and its effects on this instance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.cache.entity_cache import EntityCache
from gateway.clock import Clock
from gateway.composition.cached_data import CachedData
from gateway.domain.ids import Subject
from gateway.errors import Unusable
from gateway.events import Hook
from gateway.files import check_folder
from gateway.planner.shared_calls import SharedCalls
from gateway.reads.facts import FactKind
from gateway.reads.port import SharedRate
from gateway.settings import Settings
from gateway.shared_cache.call_names import CallNames
from gateway.shared_cache.invalidations import Target
from gateway.shared_cache.records import RecordCodec
from gateway.shared_cache.shared_cache import SharedCache
from gateway.shared_cache.sqlite_store import SqliteStore
from gateway.shared_cache.store_port import SharedStore
from gateway.shared_cache.unsent_marker import UnsentMarker

if TYPE_CHECKING:
    from gateway.shared_cache.redis_store import RedisStore

SANDBOX = "sandbox"
FILE = "cache.sqlite3"


class CacheSharing:
    """The shared cache of the settings, for the read API and account that they name."""

    def __init__(self, settings: Settings, sharers: int, clock: Clock, hook: Hook) -> None:
        """Create it for one of `sharers` processes on this machine; nothing is connected yet. Raise Unusable."""
        self._clock = clock
        self._cache: SharedCache | None = None
        self.rate: SharedRate | None = None
        """The rate of the read API, if processes share it."""
        names = CallNames(settings.hikerapi_url, settings.hikerapi_key or SANDBOX, key=settings.cache_key)
        store: SharedStore
        if settings.redis_url is not None:
            if settings.cache_disk:
                raise Unusable("GATEWAY_CACHE_DISK keeps nothing where GATEWAY_REDIS_URL is set: remove one of them.")
            self.rate = store = _redis_store(settings.redis_url, names.prefix, sharers, clock)
        elif settings.cache_disk:
            check_folder(settings.data_dir, "GATEWAY_DATA_DIR")
            store = SqliteStore(settings.data_dir / FILE, settings.cache_disk_bytes, clock=clock)
        else:
            return
        codec, marker = RecordCodec(settings.cache_key), UnsentMarker(settings.data_dir)
        self._cache = SharedCache(store, names, codec, clock=clock, hook=hook, marker=marker)

    def calls(self, memory: EntityCache) -> SharedCalls | None:
        """Return the calls that processes share, whose answers are stored in `memory`."""
        return None if self._cache is None else SharedCalls(self._cache, memory, self._clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with contextlib.nullcontext() if self._cache is None else self._cache.running():
            yield


def _redis_store(url: str, prefix: str, sharers: int, clock: Clock) -> RedisStore:
    """Raise Unusable for an invalid URL."""
    # Imported where it is used: other processes do without it.
    from gateway.shared_cache.redis_store import RedisStore

    try:
        return RedisStore(url, prefix, clock=clock, processes=sharers)
    except ValueError:
        raise Unusable("GATEWAY_REDIS_URL is no URL of a Redis database: correct it.") from None


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

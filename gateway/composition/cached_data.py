"""The cached data of one process, in all of its caches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.cache.response_cache import Responses
from gateway.cache.subject_entries import Target, keys_of
from gateway.control.messages import Forgotten
from gateway.media_proxy.proxy import MediaProxy
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.endpoints import Call

URL = re.compile(rb'"https?:(?:[^"\\]|\\.)*"')
# Bytes in which URLs are looked for in a unit of work, and units for forgetting one of them.
SEARCHED = 4_096
OF_URL = 2


class CachedData:
    """The entries, the responses made of them, and their media."""

    def __init__(self, services: UpstreamServices, responses: Responses[Any], proxy: MediaProxy) -> None:
        self._services = services
        self._responses = responses
        self._proxy = proxy
        self._pause = services.scheduler.share().take

    async def forget(self, target: Target | None) -> Forgotten:
        """Forget the data of `target`, or all of it.

        Operations that begin from now on use none of it, and no answer to a call that was sent before is cached.
        """
        cache, entries, size, price = self._services.memory, 0, 0, 0
        cache.ignore_earlier_calls()
        self._services.flights.detach()
        keys = cache.store.key_list() if target is None else await keys_of(cache, target, self._pause)
        for key in keys:
            await self._pause(1)
            if (entry := cache.store.peek(key)) is not None:
                cache.store.forget(key)
                entries, size = entries + 1, size + entry.size
                price += self._price(key) if isinstance(key, Call) else 0
                if target is not None:
                    await self._forget_media(entry.body)
        cache.forget_pointers(keys)
        if target is None:
            self._proxy.clear()
        responses, freed = await self._responses.remove_invalid(self._pause)
        return Forgotten(entries, responses, size + freed, price)

    async def forget_person(self, targets: Iterable[Target]) -> None:
        """Forget the data of all targets, and all media: an answer that named one may have been evicted before it."""
        for target in targets:
            await self.forget(target)
        self._proxy.clear()

    def _price(self, call: Call) -> int:
        """Return the price of the call, or of the same by the name of its user if that is higher."""
        named = [row for row in self._services.api.endpoints if row.by_id is call.endpoint]
        calls = (call, *(Call(row, call.key, call.forced) for row in named))
        return max(map(self._services.prices.of, calls))

    async def _forget_media(self, body: bytes) -> None:
        await self._pause(len(body) // SEARCHED)
        for text in URL.findall(body):
            await self._pause(OF_URL)
            self._proxy.forget(msgspec.json.decode(text, type=str))

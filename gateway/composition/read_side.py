"""The read side of the composition root: the read API, its prices, and the cache of its answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

import httpx

from gateway.billing.account import watch
from gateway.billing.prices import Prices
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.store import EntryStore
from gateway.clock import Clock
from gateway.composition.background import background
from gateway.composition.cache_sharing import CacheSharing
from gateway.composition.gateway_keys import GatewayKeys
from gateway.composition.lifetimes import lifetimes_of
from gateway.composition.memory_budget import MemoryBudget
from gateway.composition.observers import Observers
from gateway.composition.paging import paging
from gateway.composition.reader import connected_reader
from gateway.composition.spending import Spending
from gateway.execution import Projections
from gateway.planner.upstream_services import UpstreamServices
from gateway.settings import Settings
from gateway.single_flight import SingleFlight
from gateway.upstream.client.client import silence_retries

# Seconds after the server's own graceful shutdown, within the ten that `docker stop` waits.
DRAIN_SECONDS = 1.5


class ReadSide:
    """The services that buy, which `sharers` processes have: they share the upstream's rate limit."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        observers: Observers,
        keys: GatewayKeys,
        spending: Spending,
        *,
        sharers: int,
        clock: Clock,
    ) -> None:
        """Build the services. `transport` carries the calls, in the place of the network."""
        self.memory = budget = MemoryBudget(settings.cache_bytes)
        hook, tracer = observers.hook, observers.tracing.tracer
        self._sharing = CacheSharing(settings, sharers, clock, hook)
        rate = self._sharing.rate
        api = connected_reader(
            settings, transport, sharers=sharers, clock=clock, hook=hook, tracer=tracer, shared_rate=rate
        )
        self.projections = Projections(budget.projections)
        memory = EntityCache(
            EntryStore(budget.entries, clock, DecodedCache(budget.models, self.projections)),
            api.endpoints,
            clock=clock,
            lifetimes=lifetimes_of(settings),
            pointers=budget.pointers,
        )
        pages = paging(settings, keys.cursors)
        prices = Prices(api.endpoints, clock)
        shared = self._sharing.calls(memory)
        self.services = UpstreamServices(api, memory, prices, SingleFlight(), clock, hook, pages, tracer, shared)
        self._watch_balance = partial(watch, api, spending.account, spending.ledger, clock=clock, hook=hook)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        silence_retries()
        await self.services.api.start()
        try:
            async with self._sharing.running(), background(self._watch_balance):
                try:
                    yield
                finally:
                    await self.services.flights.drain(DRAIN_SECONDS)
        finally:
            await self.services.api.aclose()

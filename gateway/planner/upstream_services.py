"""The services behind all purchases of one process."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.billing.prices import Prices
from gateway.cache.entity_cache import EntityCache
from gateway.clock import Clock
from gateway.events import Hook
from gateway.planner.list_slices import Paging
from gateway.planner.shared_calls import SharedCalls
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadApi, ReadOutcome
from gateway.scheduling import FairScheduler
from gateway.single_flight import SingleFlight
from gateway.spans import Tracer


@dataclass(frozen=True, slots=True)
class UpstreamServices:
    """The services that all operations share: the read API, its prices, the cache, calls in flight, and cursors.

    Operations are traced if there is a tracer. `shared` are the calls that other instances share.
    """

    api: ReadApi
    memory: EntityCache
    prices: Prices
    flights: SingleFlight[Call, ReadOutcome]
    clock: Clock
    hook: Hook
    paging: Paging
    tracer: Tracer | None = None
    shared: SharedCalls | None = None
    scheduler: FairScheduler = field(default_factory=FairScheduler)

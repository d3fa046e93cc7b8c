"""The metrics of one process: the hook that counts events, and samples of what no event tells."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gateway.billing.budget import Allowance
from gateway.clients.entries import MEDIA_PROXY
from gateway.clock import Clock
from gateway.composition.background import background
from gateway.composition.memory_shares import memory_shares
from gateway.domain.shares import Count
from gateway.domain.window import Window
from gateway.durable.port import Durable, Status
from gateway.metrics import families, samplers
from gateway.metrics.event_recorder import EventRecorder
from gateway.metrics.instruments import Instruments
from gateway.metrics.label_bounds import OTHER
from gateway.scheduling import turn
from gateway.version import version

if TYPE_CHECKING:
    from gateway.composition.app import Gateway

READING, PUBLISHING = "reading", "publishing"


class Monitoring:
    """The instruments of a process, an event hook that records into them, and the tasks that sample its parts."""

    def __init__(self, clock: Clock, *, publishes: bool) -> None:
        """Create the instruments. `publishes`: there is a publishing upstream beside the read API."""
        self.instruments = Instruments()
        self._clock = clock
        self._recorder = EventRecorder(self.instruments)
        self._recorder.begin(READING, *([PUBLISHING] if publishes else []))
        self._pauses = samplers.PauseRecorder(self.instruments, clock)
        self.hear = self._recorder.hear
        self.record_replays = self._recorder.operations.record_many
        self.connections: Count | None = None
        """The open connections by peer, where a server counts them."""

    @contextlib.asynccontextmanager
    async def running(self, gateway: Gateway) -> AsyncIterator[None]:
        """Sample the parts of `gateway`, which run."""
        instruments, clock = self.instruments, self._clock
        instruments.set(families.BUILD, 1, version(), platform.python_version())
        instruments.set(families.BALANCE_FLOOR, gateway.settings.balance_floor)
        soon, later = self.samples(gateway), self.slow_samples(gateway)
        tasks = (
            partial(samplers.watch_loop, instruments, clock),
            partial(samplers.sample, soon, clock),
            partial(samplers.sample_slowly, later, clock),
        )
        with self._pauses.installed():
            async with background(*tasks):
                yield

    def samples(self, gateway: Gateway) -> list[samplers.Sample]:
        """Return the samples that only read memory."""
        return [
            self._pauses.take,
            gateway.observers.replays.drain,
            partial(self._sample_balance, gateway),
            partial(self._sample_memory, memory_shares(gateway)),
            partial(self._sample_caches, gateway),
            partial(self._sample_connections, gateway),
        ]

    def slow_samples(self, gateway: Gateway) -> list[samplers.SlowSample]:
        """Return the samples that read files, or much."""
        later: list[samplers.SlowSample] = [
            partial(samplers.sample_disk, self.instruments, gateway.settings.data_dir),
            partial(self._sample_allowances, gateway),
        ]
        if gateway.publishing is not None:
            later.append(partial(self._sample_flows, gateway.publishing.durable))
        return later

    def _sample_balance(self, gateway: Gateway) -> None:
        balance = gateway.spending.account.balance
        if balance is not None:
            self.instruments.set(families.BALANCE, balance)

    def _sample_caches(self, gateway: Gateway) -> None:
        count = self.instruments.count_up_to
        for kind, facts in gateway.reading.services.memory.statistics().items():
            for result, total in (("hit", facts.hits), ("miss", facts.misses), ("stale", facts.stale)):
                count(families.CACHE_LOOKUPS, total, (kind.name or "").lower(), result)
        responses = gateway.operations.answers.responses.statistics()
        count(families.RESPONSE_LOOKUPS, responses.replays, "exact_match")
        count(families.RESPONSE_LOOKUPS, responses.hits, "response_cache")
        count(families.RESPONSE_LOOKUPS, responses.misses, "miss")

    def _sample_memory(self, shares: Mapping[str, tuple[int, Callable[[], int]]]) -> None:
        for share, (limit, used) in shares.items():
            self.instruments.set(families.MEMORY_LIMIT, limit, share)
            self.instruments.set(families.MEMORY_USED, used(), share)

    def _sample_connections(self, gateway: Gateway) -> None:
        self.instruments.set(families.CONNECTIONS, 0 if self.connections is None else self.connections.total)
        self.instruments.set(families.STREAMS, gateway.access.long_lived.places.total)

    async def _sample_allowances(self, gateway: Gateway) -> None:
        """Record what is left of each allowance. Raise LedgerUnavailable."""
        limits: dict[str, Mapping[Window, int]] = {MEDIA_PROXY: dict(gateway.settings.media_allowance)}
        limits |= {client.id: client.allowance for client in gateway.access.clients.everyone}
        for client, allowance in limits.items():
            label = self._recorder.clients.of(client)
            if allowance and label != OTHER:
                await turn()  # there may be many clients
                for figures in Allowance(
                    client, allowance, ledger=gateway.spending.ledger, clock=self._clock
                ).figures():
                    window = figures.window.value
                    self.instruments.set(families.ALLOWANCE_LEFT, figures.remaining, label, window)
                    self.instruments.set(families.ALLOWANCE_LIMIT, figures.limit, label, window)

    async def _sample_flows(self, durable: Durable) -> None:
        self.instruments.set(families.FLOW_STORE, durable.problem() is None)
        tally = await durable.tally()
        for status in Status:
            self.instruments.set(families.FLOWS, tally.counts.get(status, 0), status.value.lower())
        began = tally.oldest_running
        self.instruments.set(families.FLOW_AGE, 0 if began is None else max(0.0, self._clock.now() - began))

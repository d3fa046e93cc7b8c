"""Those that observe one process: the log, its health, its metrics, its traces, an operator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.composition.lifecycle import Lifecycle
from gateway.composition.traces import TraceExport, TracingComponent
from gateway.control.upstream_monitor import UpstreamMonitor
from gateway.correlation import RequestIds
from gateway.events import Hook, fan_out
from gateway.http.replays import ReplayObserver
from gateway.logs import log
from gateway.logs.line_handler import installed
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.composition.app import Gateway
    from gateway.composition.monitoring import Monitoring


class Observers:
    """`hook` passes each event to all of them, `hear` is that of the health."""

    def __init__(
        self, settings: Settings, clock: Clock, hear: Hook, traces: TraceExport | None, *, publishes: bool
    ) -> None:
        """Create them, with `traces` in the place of the export that the settings ask for.

        `publishes`: there is a publishing upstream beside the read API.
        """
        self.tracing = TracingComponent(settings.traces, clock, lambda event: self.hook(event), traces)
        self.monitoring = _monitoring(clock, publishes=publishes) if settings.metrics else None
        self.upstreams = UpstreamMonitor(*(["reading", "publishing"] if publishes else ["reading"]))
        self.ids = RequestIds()
        self._handler = installed()
        lines = None if self._handler is None else self._handler.replay_lines(clock)
        record = None if self.monitoring is None else self.monitoring.record_replays
        self.replays = ReplayObserver(clock, self.ids, lines, record, traces=self.tracing.tracer is not None)
        if self._handler is not None:
            self._handler.writer.write_earlier = self.replays.evaluate
        self.lifecycle = Lifecycle(log)
        monitoring = [self.monitoring.hear] if self.monitoring else []
        hooks = log, hear, self.lifecycle.hear, self.upstreams.hear, *monitoring, *self.tracing.hooks
        self.hook: Hook = fan_out(hooks)

    def stopped(self, running: int) -> None:
        """Tell that the process ends with so many `running` operations, and wait until the log is written."""
        self.lifecycle.stopped(running)
        if self._handler is not None:
            self._handler.end()

    @contextlib.asynccontextmanager
    async def running(self, gateway: Gateway) -> AsyncIterator[None]:
        """Observe `gateway`, whose parts run."""
        if self._handler is not None:
            self._handler.writer.attach(asyncio.get_running_loop())
        async with self.monitoring.running(gateway) if self.monitoring else contextlib.nullcontext():
            yield
            self.replays.drain()


def _monitoring(clock: Clock, *, publishes: bool) -> Monitoring:
    """Return the metrics, whose library is imported only where they are on."""
    from gateway.composition.monitoring import Monitoring

    return Monitoring(clock, publishes=publishes)

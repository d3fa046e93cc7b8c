"""The tracing part of the composition root: what makes spans, and what exports them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

import httpx

from gateway.clock import Clock
from gateway.domain.proxies import Proxy
from gateway.errors import Unusable
from gateway.events import Hook
from gateway.spans import Tracer
from gateway.upstream.client.client import Policy
from gateway.upstream.client.network import over_network
from gateway.upstream.client.traced_transport import TracedTransport, hear

LIBRARY = "opentelemetry"
INSTALL = "The variables OTEL_* ask for traces, which need OpenTelemetry: pip install 'highlights-gateway[otel]'"


class TraceExport(Protocol):
    """A tracer, and what exports its spans."""

    @property
    def tracer(self) -> Tracer: ...

    def running(self) -> contextlib.AbstractAsyncContextManager[None]: ...


class TracingComponent:
    """The traces of one process. Without exporters there is no tracer, and nothing that calls one."""

    def __init__(self, exporters: Sequence[str], clock: Clock, hook: Hook, export: TraceExport | None = None) -> None:
        """Build the export, if `export` is not given. Raise Unusable if the extra `otel` is not installed."""
        self._export = _export(exporters, clock, hook) if export is None and exporters else export
        self.tracer: Tracer | None = None if self._export is None else self._export.tracer

    @property
    def hooks(self) -> list[Hook]:
        return [] if self.tracer is None else [hear]

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext() if self._export is None else self._export.running()


def traced_transport(
    tracer: Tracer | None, transport: httpx.AsyncBaseTransport | None, policy: Policy, proxy: Proxy | None
) -> httpx.AsyncBaseTransport | None:
    """Return the transport of an upstream client, the network if there is none; unchanged where tracing is off."""
    if tracer is None:
        return transport
    if transport is None:
        transport = over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy)
    return TracedTransport(transport, tracer)


def _export(exporters: Sequence[str], clock: Clock, hook: Hook) -> TraceExport:
    try:
        from gateway.tracing.export import export_by
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != LIBRARY:
            raise
        raise Unusable(INSTALL) from error
    return export_by(exporters, clock, hook)

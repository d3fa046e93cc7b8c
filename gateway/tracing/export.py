"""The export of spans, as the environment variables of OpenTelemetry configure it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult

from gateway.clock import Clock
from gateway.events import Hook, TraceExportChanged
from gateway.spans import Tracer
from gateway.tracing.otel import OpenTelemetryTracer
from gateway.version import version

SERVICE = "highlights-gateway"
UNNAMED = "unknown_service"
# Seconds for the last spans, so that a collector that is away does not delay the end of the process.
FLUSH_SECONDS = 1.0
# It logs each attempt to reach a collector that is away.
TALKATIVE = "opentelemetry.exporter"


class SpanExport:
    """The tracer of one process, and the makers of its processors, which export in threads of their own."""

    def __init__(self, clock: Clock, processors: Sequence[Callable[[], SpanProcessor]]) -> None:
        """Read sampler, limits and resource from the environment. Nothing is exported before `running`."""
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._processors = processors
        self._tracer = OpenTelemetryTracer(self._provider.get_tracer(SERVICE, version()), clock)

    @property
    def tracer(self) -> Tracer:
        return self._tracer

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        for processor in self._processors:
            self._provider.add_span_processor(processor())
        try:
            yield
        finally:
            await self._stop()

    async def _stop(self) -> None:
        """Export the last spans, in a thread that the end of the process does not wait for."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop() -> None:
            with contextlib.suppress(Exception):
                self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=stop, name="traces", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await done.wait()


class WatchedExporter(SpanExporter):
    """An exporter over another one that reports when exports begin to fail, and when they succeed again."""

    def __init__(self, exporter: SpanExporter, hook: Hook) -> None:
        """Create the exporter. The hook is called in the loop that is running now: exports run in other threads."""
        self._exporter = exporter
        self._hook = hook
        self._loop = asyncio.get_running_loop()
        self._succeeds = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        succeeds = result is SpanExportResult.SUCCESS
        if succeeds != self._succeeds:
            self._succeeds = succeeds
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._hook, TraceExportChanged(succeeds))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def export_by(names: Sequence[str], clock: Clock, hook: Hook) -> SpanExport:
    """Return the export by the exporters of these names: `otlp` (by HTTP) and `console`."""
    logging.getLogger(TALKATIVE).setLevel(logging.CRITICAL)
    return SpanExport(clock, [partial(_batches, name, hook) for name in names])


def _batches(name: str, hook: Hook) -> SpanProcessor:
    return BatchSpanProcessor(WatchedExporter(_exporter(name), hook))


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _resource() -> Resource:
    """Return the resource of the environment, with a name if it has none."""
    resource = Resource.create({SERVICE_VERSION: version()})
    if str(resource.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
    return resource

"""The port of spans over OpenTelemetry's API."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import (
    Link,
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import Tracer as OtelTracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.clock import Clock
from gateway.spans import Attribute, Attributes, Headers, Kind, SpanContext

KINDS = {Kind.SERVER: SpanKind.SERVER, Kind.CLIENT: SpanKind.CLIENT, Kind.INTERNAL: SpanKind.INTERNAL}
W3C = TraceContextTextMapPropagator()
NAMES = tuple(name.encode() for name in W3C.fields)
# Loggers that warn of an invalid trace context with the text that the client sent.
QUOTING = ("opentelemetry.trace.span", "opentelemetry.trace.propagation.tracecontext")
# The library takes a line break at the end of a header for nothing.
PRINTABLE = re.compile(rb"[\t -~]*")
NANOSECONDS = 1e9


class _Getter(Getter[Mapping[str, list[str]]]):
    def get(self, carrier: Mapping[str, list[str]], key: str) -> list[str] | None:
        return carrier.get(key)

    def keys(self, carrier: Mapping[str, list[str]]) -> list[str]:
        return list(carrier)


class RemoteContext:
    """The context of a span of another process, or of an earlier one of this gateway."""

    __slots__ = ("otel",)

    def __init__(self, otel: OtelSpan) -> None:
        self.otel = otel

    @property
    def trace_id(self) -> str:
        return format_trace_id(self.otel.get_span_context().trace_id)

    @property
    def headers(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        W3C.inject(headers, set_span_in_context(self.otel, Context()))
        return headers


class OpenTelemetrySpan(RemoteContext):
    """A span of this process."""

    __slots__ = ("_clock",)

    def __init__(self, otel: OtelSpan, clock: Clock) -> None:
        super().__init__(otel)
        self._clock = clock

    def rename(self, name: str) -> None:
        self.otel.update_name(name)

    def set(self, attributes: Attributes) -> None:
        self.otel.set_attributes(_named(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        if self.otel.is_recording():
            self.otel.add_event(name, _named(attributes), _nanoseconds(self._clock.now()))

    def fail(self, code: str) -> None:
        self.otel.set_attribute(Attribute.ERROR, code)
        self.otel.set_status(Status(StatusCode.ERROR))

    def end(self, at: float | None = None) -> None:
        if self.otel.is_recording():
            self.otel.end(_nanoseconds(self._clock.now() if at is None else at))


class OpenTelemetryTracer:
    """The port over a tracer of OpenTelemetry."""

    def __init__(self, otel: OtelTracer, clock: Clock) -> None:
        self._otel = otel
        self._clock = clock
        for name in QUOTING:
            logging.getLogger(name).setLevel(logging.ERROR)

    def now(self) -> float:
        return self._clock.now()

    def start(
        self,
        name: str,
        kind: Kind = Kind.INTERNAL,
        *,
        parent: SpanContext | None = None,
        links: Sequence[SpanContext] = (),
        attributes: Attributes | None = None,
        at: float | None = None,
    ) -> OpenTelemetrySpan:
        context = Context() if parent is None else set_span_in_context(_otel(parent), Context())
        span = self._otel.start_span(
            name,
            context,
            KINDS[kind],
            _named(attributes or {}),
            [Link(_otel(target).get_span_context()) for target in links],
            _nanoseconds(self._clock.now() if at is None else at),
        )
        return OpenTelemetrySpan(span, self._clock)

    def context_in(self, headers: Headers) -> RemoteContext | None:
        """Return the context. Two `traceparent` headers are none, as W3C asks."""
        found: dict[str, list[str]] = {}
        for name, value in headers:
            if name in NAMES:
                found.setdefault(name.decode(), []).append(value.decode() if PRINTABLE.fullmatch(value) else "")
        if len(found.get("traceparent", ())) != 1:
            return None
        span = get_current_span(W3C.extract(found, Context(), _Getter()))
        return RemoteContext(span) if span.get_span_context().is_valid else None


def _otel(context: SpanContext) -> OtelSpan:
    assert isinstance(context, RemoteContext), "spans of one tracer are not mixed with those of another"
    return context.otel


def _named(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {str(attribute): value for attribute, value in attributes.items()}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * NANOSECONDS)

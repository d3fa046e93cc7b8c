"""Spans as a port: the work of a request as a tree of spans, which is exported where tracing is on.

Where it is off there is no `Tracer`, and nothing is called. `gateway.tracing` implements the port over OpenTelemetry.
The names of spans and attributes are those of docs/operations/tracing.md. No attribute holds a key, a token, a title, a
user's name or id, or a URL: `Attribute` is the whole list.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NewType, Protocol, TypeAlias

Value: TypeAlias = str | int | float | bool
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
"""The raw headers of a request, names in lower case."""

CANCELLED = "CANCELLED"
"""The error of a span whose client left before its end."""


class Kind(enum.Enum):
    """The side of a request that a span shows; INTERNAL is work of the gateway itself."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


AttributeName = NewType("AttributeName", str)


class Attribute:
    """All attributes of spans, by their names in OpenTelemetry. Not an enum: no table has all of them."""

    AGE = AttributeName("highlights_gateway.age")
    CALLS = AttributeName("highlights_gateway.calls")
    CHARGED = AttributeName("highlights_gateway.charged")
    CLIENT = AttributeName("highlights_gateway.client")
    DOCUMENT_HASH = AttributeName("highlights_gateway.document.hash")
    ENDPOINT = AttributeName("highlights_gateway.endpoint")
    ERROR = AttributeName("error.type")
    FLOW_ID = AttributeName("highlights_gateway.flow.id")
    FLOW_NAME = AttributeName("highlights_gateway.flow.name")
    METHOD = AttributeName("http.request.method")
    OPERATION_NAME = AttributeName("graphql.operation.name")
    OPERATION_TYPE = AttributeName("graphql.operation.type")
    PAYLOADS = AttributeName("highlights_gateway.payloads")
    PRICE = AttributeName("highlights_gateway.price")
    RESEND = AttributeName("http.request.resend_count")
    ROUTE = AttributeName("http.route")
    SAVED_BY_CACHE = AttributeName("highlights_gateway.saved_by_cache")
    SAVED_BY_SHARING = AttributeName("highlights_gateway.saved_by_sharing")
    SERVER_ADDRESS = AttributeName("server.address")
    SERVER_PORT = AttributeName("server.port")
    SOURCE = AttributeName("highlights_gateway.source")
    STATUS = AttributeName("http.response.status_code")
    STEP_ATTEMPTS = AttributeName("highlights_gateway.step.attempts")
    STEP_MEDIUM = AttributeName("highlights_gateway.step.medium")
    STEP_NAME = AttributeName("highlights_gateway.step.name")
    TRANSPORT = AttributeName("highlights_gateway.transport")
    WAITED = AttributeName("highlights_gateway.waited")


Attributes: TypeAlias = Mapping[AttributeName, Value]


class SpanContext(Protocol):
    """The identity of a span, of this process or of another one: a parent of spans, or the target of a link."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The W3C trace context: `traceparent`, and `tracestate` if there is one."""


class LiveSpan(SpanContext, Protocol):
    """A span that has begun. After its end it ignores all changes."""

    def rename(self, name: str) -> None: ...

    def set(self, attributes: Attributes) -> None: ...

    def event(self, name: str, attributes: Attributes) -> None: ...

    def fail(self, code: str) -> None:
        """Give the span the error status, with an error code of the gateway."""

    def end(self, at: float | None = None) -> None:
        """End the span, now or at a Unix second. A second call does nothing."""


class Tracer(Protocol):
    """The maker of spans."""

    def now(self) -> float:
        """Return the time in Unix seconds."""

    def start(
        self,
        name: str,
        kind: Kind = Kind.INTERNAL,
        *,
        parent: SpanContext | None = None,
        links: Sequence[SpanContext] = (),
        attributes: Attributes | None = None,
        at: float | None = None,
    ) -> LiveSpan:
        """Begin a span, now or at a Unix second. Without a parent it begins a trace."""

    def context_in(self, headers: Headers) -> SpanContext | None:
        """Return the W3C trace context of a request; None if there is none, or an invalid one."""


class Scope:
    """The work that `root` is the span of. Spans that begin within it are children of `span`."""

    def __init__(self, root: LiveSpan) -> None:
        self.root = root
        self._ends: list[Callable[[], None]] = []

    @property
    def span(self) -> LiveSpan:
        return self.root

    def at_end(self, act: Callable[[], None]) -> None:
        """Have `act` called when the work has ended: it ends spans that nothing else ends."""
        self._ends.append(act)

    def end(self) -> None:
        """End the work, and the span with it."""
        ends, self._ends = self._ends, []
        for act in ends:
            act()
        self.root.end()


_SCOPE: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current_scope() -> Scope | None:
    """Return the scope of this task; None while nothing is traced."""
    return _SCOPE.get()


def enter(scope: Scope) -> None:
    """Make `scope` the scope of this task until it ends, and of the tasks that it starts."""
    _SCOPE.set(scope)


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Make `scope` the current one while the context is open."""
    token = _SCOPE.set(scope)
    try:
        yield
    finally:
        _SCOPE.reset(token)


def current_trace_id() -> str | None:
    """Return the trace id of the work in this task, 32 hexadecimal digits; None while nothing is traced."""
    scope = _SCOPE.get()
    return None if scope is None else scope.root.trace_id

"""The spans of one operation: its own, and one for each phase of its work."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from strawberry.extensions import SchemaExtension

from gateway.operation_events import OperationCompleted, Transport
from gateway.spans import CANCELLED, Attribute, Attributes, Kind, LiveSpan, Scope, SpanContext, Tracer, current_scope

UNTYPED = "GraphQL Operation"
PAYLOAD = "payload"


class OperationPhase(enum.Enum):
    """The phases of an operation that is executed, by the names of their spans."""

    READ = "graphql.read"
    PARSE = "graphql.parse"
    VALIDATE = "graphql.validate"
    PURCHASE = "graphql.purchase"
    EXECUTE = "graphql.execute"
    ENCODE = "graphql.encode"


class OperationScope(Scope):
    """The scope of one operation. Spans that begin within it are children of the span of its phase.

    `alone`: its request is read and answered within it, so that it has the phases READ and ENCODE, and its span is that
    of the request, which ends it. An answer that is not executed has no phases.
    """

    def __init__(self, tracer: Tracer, root: LiveSpan, *, alone: bool) -> None:
        super().__init__(root)
        self.attributes: Attributes = {}
        self._tracer = tracer
        self._phase: LiveSpan | None = None
        self._read_since = tracer.now() if alone else None
        self._encodes = self._alone = alone
        self._payloads = 0

    @property
    def span(self) -> LiveSpan:
        return self._phase or self.root

    def begin(self, phase: OperationPhase) -> None:
        """Begin a phase, which ends the one before."""
        self.leave()
        if self._read_since is not None:
            self._start(OperationPhase.READ, self._read_since).end()
            self._read_since = None
        self._phase = self._start(phase)

    def encode(self) -> None:
        """Begin the last phase, unless the answer is on its way already."""
        if self._encodes:
            self.begin(OperationPhase.ENCODE)

    def answer(self) -> None:
        """Note that the answer is on its way."""
        self._encodes = False
        self.leave()

    def leave(self) -> None:
        """End the present phase."""
        if self._phase is not None:
            self._phase.end()
            self._phase = None

    def stream(self) -> None:
        """Note a payload of a stream as an event. Of many the span keeps the last ones."""
        self._payloads += 1
        self.root.event(PAYLOAD, {})

    def describe(self, attributes: Attributes) -> None:
        """Say which operation it is, as far as that is known."""
        self.attributes = attributes
        self.root.rename(str(attributes.get(Attribute.OPERATION_TYPE, UNTYPED)))
        self.root.set(attributes)

    def complete(self, completed: OperationCompleted) -> None:
        """Describe the operation as it ended. Its span ends as well, unless it is that of its request."""
        self.describe(_attributes(completed))
        if self._payloads:
            self.root.set({Attribute.PAYLOADS: self._payloads})
        if completed.codes:
            self.root.fail(completed.codes[0])
        elif completed.cancelled:
            self.root.fail(CANCELLED)
        if not self._alone:
            self.end()

    def end(self) -> None:
        self.leave()
        super().end()

    def _start(self, phase: OperationPhase, at: float | None = None) -> LiveSpan:
        return self._tracer.start(phase.value, parent=self.root, at=at)


@dataclass(frozen=True, slots=True)
class TraceOrigin:
    """The context of an operation of a connection that runs many: its own, and that of the connection."""

    parent: SpanContext | None
    connection: SpanContext | None


def operation_scope(tracer: Tracer, transport: Transport, origin: TraceOrigin | None = None) -> OperationScope | None:
    """Return the scope of an operation that begins: over HTTP that of its request, else a new one."""
    current = current_scope()
    if transport is Transport.HTTP:
        return current if isinstance(current, OperationScope) else None
    parent: SpanContext | None = None if current is None else current.root
    links: tuple[SpanContext, ...] = ()
    if origin is not None:
        # All operations of a connection in the connection's own trace would make it endless.
        parent = origin.parent
        links = () if parent is not None or origin.connection is None else (origin.connection,)
    root = tracer.start(UNTYPED, Kind.SERVER, parent=parent, links=links)
    return OperationScope(tracer, root, alone=False)


def _attributes(completed: OperationCompleted) -> Attributes:
    given = {
        Attribute.CLIENT: completed.client,
        Attribute.TRANSPORT: completed.transport.value,
        Attribute.SOURCE: completed.source.value,
        Attribute.OPERATION_NAME: completed.operation,
        Attribute.OPERATION_TYPE: completed.type,
        Attribute.DOCUMENT_HASH: completed.document,
        Attribute.CALLS: completed.calls,
        Attribute.CHARGED: completed.charged,
        Attribute.SAVED_BY_CACHE: completed.saved_by_cache,
        Attribute.SAVED_BY_SHARING: completed.saved_by_sharing,
    }
    return {attribute: value for attribute, value in given.items() if value is not None}


class PhasesBefore(SchemaExtension):
    """The extension before all others: its hooks enclose theirs."""

    def __init__(self) -> None:
        self._operation = _current()

    def on_operation(self) -> Iterator[None]:
        yield
        if self._operation is not None:
            self._operation.encode()

    def on_parse(self) -> Iterator[None]:
        yield from self._during(OperationPhase.PARSE)

    def on_validate(self) -> Iterator[None]:
        yield from self._during(OperationPhase.VALIDATE)

    def on_execute(self) -> Iterator[None]:
        yield from self._during(OperationPhase.PURCHASE)

    def _during(self, phase: OperationPhase) -> Iterator[None]:
        if self._operation is not None:
            self._operation.begin(phase)
        yield
        if self._operation is not None:
            self._operation.leave()


class PhasesAfter(SchemaExtension):
    """The extension after all others: what they do before execution is the purchase."""

    def __init__(self) -> None:
        self._operation = _current()

    def on_execute(self) -> Iterator[None]:
        if self._operation is not None:
            self._operation.begin(OperationPhase.EXECUTE)
        yield


def with_phases(extensions: Iterable[Callable[[], SchemaExtension]]) -> list[Callable[[], SchemaExtension]]:
    """Return the extensions of operations that are executed, with those that make the spans of the phases."""
    return [PhasesBefore, *extensions, PhasesAfter]


def _current() -> OperationScope | None:
    scope = current_scope()
    return scope if isinstance(scope, OperationScope) else None

"""The hook that counts events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from gateway.call_events import CallBilled, ChargeSettled, RequestShed, SharedCacheLookup, UpstreamQueueChanged
from gateway.events import (
    AnswerTooLarge,
    CertificateLoaded,
    CertificateReloadFailed,
    CircuitBreakerStateChanged,
    ClientsReloaded,
    ClientsReloadFailed,
    DocumentsReloaded,
    DocumentsReloadFailed,
    EndpointRetired,
    Event,
    FlowEnded,
    FlowStarted,
    InternalErrorMasked,
    LedgerAvailabilityChanged,
    LedgerLost,
    PriceDisbelieved,
    PriceMismatch,
    ResponseSchemaMismatch,
    SharedCacheChanged,
    StepRetried,
    UpstreamAccess,
    UpstreamAttempt,
)
from gateway.metrics import families
from gateway.metrics.instruments import Instruments
from gateway.metrics.label_bounds import OTHER, BoundedLabels
from gateway.metrics.operation_recorder import OperationRecorder
from gateway.operation_events import OperationCompleted

MOST_CLIENTS = 1_000
MOST_PHASES = 50
MOST_NAMES, MOST_NAMES_OF_CLIENT = 200, 50
BREAKER_STATES = ("closed", "opened", "half-opened")
ACCESS_STATES = ("answers", "refuses", "fails")
STATUSES = frozenset(HTTPStatus)
DEVIATIONS: Mapping[type[Event], str] = {
    ResponseSchemaMismatch: "schema",
    AnswerTooLarge: "size",
    PriceMismatch: "price",
    PriceDisbelieved: "price",
    EndpointRetired: "path",
}


RELOADS: Mapping[type[Event], tuple[str, str]] = {
    ClientsReloaded: ("clients", "done"),
    ClientsReloadFailed: ("clients", "failed"),
    DocumentsReloaded: ("documents", "done"),
    DocumentsReloadFailed: ("documents", "failed"),
    CertificateLoaded: ("certificate", "done"),
    CertificateReloadFailed: ("certificate", "failed"),
}


class EventRecorder:
    """An event hook, `hear`, that records into `instruments`. Other events are ignored."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self.clients = self.bounded("client", MOST_CLIENTS)
        self._phases = self.bounded("phase", MOST_PHASES)
        names = self.bounded("operation", MOST_NAMES, most_each=MOST_NAMES_OF_CLIENT)
        self.operations = OperationRecorder(instruments, self.clients, names)
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            OperationCompleted: self.operations.record,
            UpstreamAttempt: self._attempt,
            UpstreamQueueChanged: self._queue,
            RequestShed: self._shed,
            CallBilled: self._call,
            ChargeSettled: self._charge,
            CircuitBreakerStateChanged: self._breaker,
            UpstreamAccess: self._access,
            LedgerAvailabilityChanged: lambda event: instruments.set(families.LEDGER, event.writable),
            LedgerLost: lambda event: instruments.set(families.LEDGER, 0),
            SharedCacheChanged: lambda event: instruments.set(families.SHARED_CACHE, event.problem is None),
            SharedCacheLookup: self._look_up,
            FlowStarted: lambda event: instruments.count(families.FLOWS_STARTED, event.name),
            FlowEnded: self._flow_ended,
            StepRetried: self._step_retried,
            InternalErrorMasked: lambda event: instruments.count(families.INTERNAL_ERRORS),
            **dict.fromkeys(RELOADS, self._reload),
            **dict.fromkeys(DEVIATIONS, self._deviation),
        }

    def bounded(self, label: str, most: int, *, most_each: int | None = None) -> BoundedLabels:
        """Return the bound of a label, which counts the values that are cut off."""
        self._instruments.count(families.SERIES_CUT, label, by=0)
        return BoundedLabels(most, lambda: self._instruments.count(families.SERIES_CUT, label), most_each=most_each)

    def begin(self, *upstreams: str) -> None:
        """Record the states of the start, which no event tells."""
        self._instruments.set(families.LEDGER, 1)
        for labels in RELOADS.values():
            self._instruments.count(families.RELOADS, *labels, by=0)
        for upstream in upstreams:
            self._instruments.count(families.QUEUE_TIMEOUTS, upstream, by=0)
            self._state(families.BREAKER, upstream, "closed", BREAKER_STATES)
            self._state(families.ACCESS, upstream, "", ACCESS_STATES)
            self._instruments.set(families.QUEUE_LENGTH, 0, upstream)

    def hear(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _attempt(self, event: UpstreamAttempt) -> None:
        upstream, endpoint, instruments = event.upstream, event.endpoint, self._instruments
        status = "none" if event.status is None else str(event.status) if event.status in STATUSES else OTHER
        instruments.count(families.UPSTREAM_REQUESTS, upstream, endpoint, status)
        instruments.observe(families.UPSTREAM_DURATION, event.seconds, upstream, endpoint)
        instruments.observe(families.QUEUE_WAIT, event.waited, upstream)

    def _queue(self, event: UpstreamQueueChanged) -> None:
        self._instruments.set(families.QUEUE_LENGTH, event.waiting, event.upstream)
        if event.waited is not None:
            client = self.clients.of(event.client)
            self._instruments.count(families.CLIENT_QUEUE_WAIT, event.upstream, client, by=event.waited)
        if event.is_late and event.waited is not None:
            self._instruments.count(families.QUEUE_TIMEOUTS, event.upstream)
            self._instruments.observe(families.QUEUE_WAIT, event.waited, event.upstream)

    def _shed(self, event: RequestShed) -> None:
        self._instruments.count(families.SHED, event.upstream, self.clients.of(event.client))

    def _call(self, event: CallBilled) -> None:
        self._instruments.count(families.CALLS, event.endpoint, event.source.lower())

    def _look_up(self, event: SharedCacheLookup) -> None:
        missed = "miss" if event.is_usable else "unavailable"
        for result, calls in (("hit", event.hits), (missed, event.misses)):
            self._instruments.count(families.SHARED_CACHE_LOOKUPS, result, by=calls)

    def _charge(self, event: ChargeSettled) -> None:
        client = self.clients.of(event.client)
        self._instruments.count(families.BILLED, client, event.endpoint, by=event.charged)

    def _breaker(self, event: CircuitBreakerStateChanged) -> None:
        self._state(families.BREAKER, event.upstream, event.state, BREAKER_STATES)

    def _access(self, event: UpstreamAccess) -> None:
        self._state(families.ACCESS, event.upstream, event.state, ACCESS_STATES)

    def _state(self, family: families.Family, upstream: str, state: str, states: tuple[str, ...]) -> None:
        for each in states:
            self._instruments.set(family, each == state, upstream, each)

    def _flow_ended(self, event: FlowEnded) -> None:
        self._instruments.count(families.FLOWS_ENDED, event.name, event.status.lower(), event.code or "")

    def _step_retried(self, event: StepRetried) -> None:
        phase = self._phases.of(event.step.partition(" ")[0])
        self._instruments.count(families.STEPS_RETRIED, phase, event.code)

    def _reload(self, event: Event) -> None:
        self._instruments.count(families.RELOADS, *RELOADS[type(event)])

    def _deviation(self, event: Any) -> None:
        self._instruments.count(families.DEVIATIONS, event.endpoint, DEVIATIONS[type(event)])

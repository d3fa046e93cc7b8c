"""Events as lines of the log: their levels and fields."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from gateway.call_events import CallBilled, ChargeSettled, RequestShed, SharedCacheLookup, UpstreamQueueChanged
from gateway.events import (
    AnswerTooLarge,
    BalanceAtFloor,
    BalanceLow,
    CertificateLoaded,
    CertificateReloadFailed,
    CircuitBreakerStateChanged,
    ClientsReloadFailed,
    DocumentsReloadFailed,
    EndpointRetired,
    Event,
    FlowsDirectoryRefused,
    InternalErrorMasked,
    LedgerAvailabilityChanged,
    LedgerLost,
    PriceDisbelieved,
    PriceMismatch,
    ResponseSchemaMismatch,
    SharedCacheChanged,
    StaleServed,
    StepRetried,
    TokenRefreshed,
    TraceExportChanged,
    UpstreamAccess,
    UpstreamAttempt,
    WorkerLeaseLost,
    WorkflowsRecovered,
    WorkflowStoreAvailabilityChanged,
)
from gateway.logs.line_formats import FORMATS, LogFormat, Pair, line
from gateway.operation_events import OperationCompleted
from gateway.process_events import WorkerDied

# A certificate that is not renewed so many days before its end is not renewed by itself.
DUE_DAYS = 14
LOGGER = logging.getLogger("gateway")
# The fields of a slow operation's line.
SLOW = ("request", "client", "operation", "type", "document", "charged", "calls", "seconds", "plan", "trace")
LEVELS: dict[type[Event], int] = {
    ResponseSchemaMismatch: logging.WARNING,
    AnswerTooLarge: logging.WARNING,
    BalanceAtFloor: logging.WARNING,
    BalanceLow: logging.WARNING,
    InternalErrorMasked: logging.ERROR,
    ClientsReloadFailed: logging.ERROR,
    CertificateReloadFailed: logging.ERROR,
    DocumentsReloadFailed: logging.ERROR,
    WorkerLeaseLost: logging.WARNING,
    WorkflowsRecovered: logging.WARNING,
    FlowsDirectoryRefused: logging.ERROR,
    LedgerLost: logging.ERROR,
    EndpointRetired: logging.WARNING,
    PriceMismatch: logging.WARNING,
    PriceDisbelieved: logging.WARNING,
    StaleServed: logging.WARNING,
    StepRetried: logging.WARNING,
    TokenRefreshed: logging.WARNING,
    UpstreamAttempt: logging.DEBUG,
    WorkerDied: logging.ERROR,
    UpstreamQueueChanged: logging.DEBUG,
    RequestShed: logging.DEBUG,
    CallBilled: logging.DEBUG,
    SharedCacheLookup: logging.DEBUG,
    ChargeSettled: logging.DEBUG,
}


class EventMessage:
    """The message of a log record: an event, or one of its aspects, as a name and fields."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: Sequence[Pair]) -> None:
        self.name = name
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.name} {line(FORMATS[LogFormat.TEXT], self.fields)}".rstrip()


def log(event: Event) -> None:
    """Log the event; a hook. A masked bug is logged with its traceback, every other event only with its fields."""
    level = _level(event)
    if LOGGER.isEnabledFor(level):
        cause = event.error if isinstance(event, InternalErrorMasked) else None
        LOGGER.log(level, EventMessage(type(event).__name__, fields_of(event)), exc_info=cause)
    if isinstance(event, OperationCompleted) and event.plan is not None:
        LOGGER.warning(EventMessage("SlowOperation", [(name, getattr(event, name)) for name in SLOW]))


def fields_of(event: Event) -> list[Pair]:
    """Return the fields of an event's line: those that its `repr` has."""
    return [(field.name, getattr(event, field.name)) for field in dataclasses.fields(event) if field.repr]


def _level(event: Event) -> int:
    """Return the level: losing a required dependency is an error; having it, at the start or again, is not."""
    match event:
        case CircuitBreakerStateChanged(is_news=False):
            return logging.DEBUG
        case CircuitBreakerStateChanged(state="opened") | TraceExportChanged(succeeds=False):
            return logging.WARNING
        case SharedCacheChanged(problem=str()):
            return logging.WARNING
        case WorkflowStoreAvailabilityChanged(reachable=False) | LedgerAvailabilityChanged(writable=False):
            return logging.ERROR
        case CertificateLoaded(days=days) if days < DUE_DAYS:
            return logging.WARNING
        case UpstreamAccess(state="refuses" | "fails"):
            return logging.ERROR
        case _:
            return LEVELS.get(type(event), logging.INFO)
